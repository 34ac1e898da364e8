"""Any source's element to the canonical event: tolerant in what it takes, exact in what it gives."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from app.core import aliases
from app.core.actors import Actor, describe, fold_action, read_actor
from app.core.aliases import MAX_DESCRIPTION, find, id_text, loose_id, text_of
from app.core.changes import fold_changes
from app.core.clock import Micros
from app.core.envelope import Envelope, is_cloudevent, open_cloudevent
from app.core.errors import InvalidInputError
from app.core.event import CanonicalEvent, Change
from app.core.event_types import service_of
from app.core.masking import bounded, mask_text, mask_tree
from app.core.moments import parse_moment
from app.core.radius import RADIUS_TYPES, describe_record
from app.core.rating import Rating, rate

MAX_METADATA = 16_384
"""Bytes of JSON kept of what a source says beyond the canonical fields."""
MAX_TAGS = 32
GIVEN = "given by the source"
"""Stands for the rule when the source rated the event itself."""
NOT_RATED = "not rated: RADIUS records are no changes"
"""Stands for the rule of an event that nothing rates, whatever its source says."""
_MAX_TAG = 64
_KEY_BYTES = 16
_FIT_ID = re.compile(r"[A-Za-z0-9_:\-]{1,64}")
_FORMATS = frozenset({"flat", "nested", "canonical", "cloudevents", "generic", "own"})
_CONSUMED = frozenset(
    name.partition(".")[0]
    for names in (
        aliases.ID, aliases.TYPE, aliases.TIME, aliases.ORGANIZATION, aliases.ORGANIZATION_NAME, aliases.CONTEXT,
        aliases.CONTEXT_NAME, aliases.ACTION, aliases.DESCRIPTION, aliases.USER_ID, aliases.USER_EMAIL,
        aliases.USER_NAME,
    )
    for name in names
) | {"actor", "metadata", "tags", "sensitivity", "module"}  # fmt: skip
_OUR_OUTPUT = frozenset(
    {
        "received_at",
        "service",
        "source",
        "sensitivity_rule",
        "outside_change_window",
        "change_windows",
        "changes",
        "entity",
    }
)
_HIGHEST_SENSITIVITY = 5
_KNOWN_INSIDE = (
    ("change", frozenset({"entity", "entityId", "entityName", "action", "fields", "description"})),
    ("scope", frozenset({"type", "organizationId", "contextId", "contextName"})),
    ("actor", frozenset({"type", "id", "email", "name", "loginName", "alternateId", "displayName"})),
)
"""Keys of nested objects that are read; the others are kept as extra."""
_NO_ENVELOPE = Envelope(None, None, None, None)


def normalise(
    element: Mapping[str, Any],
    *,
    received_at: Micros,
    default_organization: str | None,
    default_context: str | None = None,
    header_id: str | None = None,
) -> CanonicalEvent:
    """The canonical event of one element.

    Args:
        element: one JSON object, as parsed.
        received_at: when it came in; stands in for a missing or unreadable time.
        default_organization: the organization of the caller's key, for an element that names none.
        default_context: the context of the caller's key, likewise; never applied to an Organization's own events.
        header_id: the ``webhook-id`` header of a request with a single event.

    Raises:
        InvalidInputError: it has no event type, or an id that scopes it is too long.
    """
    if type(element) is not dict:
        raise InvalidInputError("an event must be a JSON object")
    try:
        return _normalise(element, received_at, default_organization, default_context, header_id)
    except RecursionError:
        raise InvalidInputError("the event is nested too deeply") from None


def _normalise(
    element: dict[str, Any], received_at: Micros, organization: str | None, context: str | None, header_id: str | None
) -> CanonicalEvent:
    envelope = _NO_ENVELOPE
    original = element
    if is_cloudevent(element):
        element, envelope = open_cloudevent(element)
    canonical = "occurred_at" in element and type(element.get("organization")) is dict
    event_type = id_text(find(element, aliases.TYPE), "type") or envelope.type
    if event_type is None:
        raise InvalidInputError("the event has no event type (eventId, type or event_type)", field="type")
    organization_id = id_text(find(element, aliases.ORGANIZATION), "organization_id") or organization
    service = service_of(event_type)
    context_id = id_text(find(element, aliases.CONTEXT), "context_id")
    if context_id is None and service != "organization" and not canonical:
        context_id = context
    is_record = event_type in RADIUS_TYPES
    metadata: dict[str, Any] = {}
    changes, change_keys = fold_changes(element, trusted=canonical)
    actor = read_actor(element)
    action, raw_action = fold_action(text_of(find(element, aliases.ACTION)), has_changes=bool(changes))
    entity_type, entity_id, entity_name, entity_keys = _read_entity(element)
    source_id, dedupe_key = _identity(element, original, organization_id, envelope, header_id)
    occurred_at = _moment(element, envelope, received_at, metadata)
    public_id = _public_id(source_id, dedupe_key, metadata)
    _note(metadata, element, actor, raw_action)
    used = change_keys | entity_keys
    if canonical:
        used |= _OUR_OUTPUT
    _keep_rest(metadata, element, used, canonical=canonical)
    if is_record:
        tags, sensitivity, rule = _given_tags(element) or (), None, NOT_RATED
        line = describe_record(event_type, metadata, actor.email)
    else:
        tags, sensitivity, rule = _rating(element, action, changes, entity_type)
        line = describe(action, entity_name, [change["field"] for change in changes], entity_type or event_type)
    return CanonicalEvent(
        id=public_id,
        type=event_type,
        organization_id=organization_id,
        organization_name=text_of(find(element, aliases.ORGANIZATION_NAME)),
        service=service,
        context_id=context_id,
        context_name=text_of(find(element, aliases.CONTEXT_NAME)) if context_id is not None else None,
        occurred_at=occurred_at,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_email=actor.email,
        action=action,
        entity_type=entity_type,
        entity_id=entity_id,
        entity_name=entity_name,
        description=_description(element, line) or event_type,
        changes=tuple(changes),
        tags=tags,
        sensitivity=sensitivity,
        sensitivity_rule=rule,
        metadata=metadata,
        source_format=_format(element, envelope, canonical=canonical),
        dedupe_key=dedupe_key,
    )


def _read_entity(element: dict[str, Any]) -> tuple[str | None, str | None, str | None, frozenset[str]]:
    change = element.get("change")
    if type(change) is dict and "entity" in change:
        kind, name = text_of(change.get("entity")), text_of(change.get("entityName"))
        return kind, loose_id(change.get("entityId")), name, frozenset({"change"})
    for key in aliases.ENTITY:
        thing = element.get(key)
        if type(thing) is list and thing:
            thing = thing[0]
        if type(thing) is dict:
            name = text_of(find(thing, ("name", "displayName")))
            return text_of(thing.get("type")), loose_id(thing.get("id")), name, frozenset({key})
        if type(thing) is str:
            return text_of(thing), loose_id(element.get("entityId")), None, frozenset({key, "entityId"})
    return text_of(element.get("module")), None, None, frozenset()


def _rating(element: dict[str, Any], action: str, changes: list[Change], entity_type: str | None) -> Rating:
    """What the source says of tags and sensitivity, and the built-in rules for what it leaves open."""
    rating = rate(action, changes, entity_type)
    given = _given_tags(element)
    if given is not None:
        rating = rating._replace(tags=given)
    rated = element.get("sensitivity")
    if type(rated) is int and 1 <= rated <= _HIGHEST_SENSITIVITY:
        return rating._replace(sensitivity=rated, rule=text_of(element.get("sensitivity_rule")) or GIVEN)
    return rating


def _given_tags(element: dict[str, Any]) -> tuple[str, ...] | None:
    given = element.get("tags")
    if type(given) is not list:
        return None
    texts = {text_of(tag, _MAX_TAG) for tag in given[:MAX_TAGS]}
    return tuple(sorted(tag for tag in texts if tag))


def _identity(
    element: dict[str, Any],
    original: dict[str, Any],
    organization_id: str | None,
    envelope: Envelope,
    header_id: str | None,
) -> tuple[str | None, bytes]:
    scope = f"{organization_id or ''}\0"
    found = _whole_id(find(element, aliases.ID))
    if found is not None:
        return found, _digest(f"i\0{scope}{found}".encode(errors="replace"))
    if envelope.id is not None:
        # CloudEvents makes source and id unique together, not the id alone.
        return envelope.id, _digest(f"c\0{scope}{envelope.source or ''}\0{envelope.id}".encode(errors="replace"))
    header = _whole_id(header_id)
    if header is not None:
        return header, _digest(f"i\0{scope}{header}".encode(errors="replace"))
    try:
        content = orjson.dumps(original, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise InvalidInputError("the event holds a number or a text that JSON cannot carry") from None
    return None, _digest(f"h\0{scope}".encode(errors="replace") + content)


def _whole_id(value: Any) -> str | None:
    """An instance id, never cut: the cut ends of two ids may be what tells them apart."""
    if type(value) is str:
        text = value.replace("\0", "").strip() if "\0" in value or value != value.strip() else value
        return text or None
    return str(value) if type(value) is int else None


def _public_id(source_id: str | None, dedupe_key: bytes, metadata: dict[str, Any]) -> str:
    if source_id is None:
        return f"evt_{dedupe_key.hex()}"
    masked = mask_text(source_id, random_looking=False)
    if masked == source_id and _FIT_ID.fullmatch(source_id):
        return source_id
    metadata["source_id"] = bounded(masked, aliases.MAX_NAME)
    return f"evt_{dedupe_key.hex()}"


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_KEY_BYTES]


def _moment(element: dict[str, Any], envelope: Envelope, received_at: Micros, metadata: dict[str, Any]) -> Micros:
    written = find(element, aliases.TIME)
    if written is None:
        written = envelope.time
    moment = parse_moment(written)
    if moment is not None:
        return moment
    problem = "no time given" if written is None else "unreadable time"
    metadata["time_note"] = f"{problem}; time of receipt used"
    return received_at


def _note(metadata: dict[str, Any], element: dict[str, Any], actor: Actor, raw_action: str | None) -> None:
    scope = element.get("scope")
    if type(scope) is dict:
        scope = scope.get("type")
    if type(scope) is str and (text := text_of(scope)):
        metadata["scope"] = text
    if raw_action is not None:
        metadata["action_raw"] = raw_action
    if actor.name is not None:
        metadata["actor_name"] = actor.name
    if actor.raw_type is not None:
        metadata["actor_type_raw"] = actor.raw_type


def _keep_rest(metadata: dict[str, Any], element: dict[str, Any], used: frozenset[str], *, canonical: bool) -> None:
    given = element.get("metadata")
    # Our own output holds the notes and the extra keys in its metadata, so it needs more room to come back whole.
    room = MAX_METADATA * 4 if canonical else MAX_METADATA
    if type(given) is dict and given:
        room = _copy_into(metadata, mask_tree(given), room)
    rest: dict[str, Any] = {key: element[key] for key in sorted(element.keys() - _CONSUMED - used)}
    if given is not None and type(given) is not dict:
        rest["metadata"] = given
    for key, known in _KNOWN_INSIDE:
        inner = element.get(key)
        if type(inner) is dict and key not in rest and not inner.keys() <= known:
            rest[key] = {name: value for name, value in inner.items() if name not in known}
    if rest:
        extra: dict[str, Any] = {}
        _copy_into(extra, mask_tree(rest), room)
        metadata["_extra"] = extra


def _copy_into(target: dict[str, Any], items: dict[str, Any], room: int) -> int:
    whole = len(orjson.dumps(items))
    if whole <= room:
        target.update(items)
        return room - whole
    for key, value in items.items():
        size = len(orjson.dumps(value)) + len(key)
        if size > room:
            target.setdefault("_dropped", "too large")
            continue
        room -= size
        target[key] = value
    return room


def _description(element: dict[str, Any], line: str) -> str | None:
    """What the source says of it, or else our own line."""
    return text_of(find(element, aliases.DESCRIPTION), MAX_DESCRIPTION) or text_of(line, MAX_DESCRIPTION)


def _format(element: dict[str, Any], envelope: Envelope, *, canonical: bool) -> str:
    if canonical:
        source = element.get("source")
        named = source.get("format") if type(source) is dict else None
        return named if type(named) is str and named in _FORMATS else "canonical"
    if envelope is not _NO_ENVELOPE:
        return "cloudevents"
    if type(element.get("change")) is dict:
        return "nested"
    return "flat" if "eventId" in element else "generic"
