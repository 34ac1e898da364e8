"""One event in words for people, for the sinks that people read: who changed what, where, when, from what to what.

Everything audited ends up in here as plain, bounded text of one line. A sink only has to escape it for its own markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

import orjson

from app.sinks.plain_text import EMPTY, cut, one_line, text_of, value_text
from app.sinks.reading import changes, source_ip
from app.sinks.types import Event

TITLE_ROOM = 150
NAME_ROOM = 100
VALUE_ROOM = 400
MOST_CHANGES = 10
"""Changes told of one event; the others are counted."""
MOST_TAGS = 10

LEVELS = {1: "cosmetic", 2: "low", 3: "medium", 4: "high", 5: "critical"}
"""Sensitivity in words."""
LIGHTS = {1: "⚪", 2: "🔵", 3: "🟡", 4: "🟠", 5: "🔴"}
"""Sensitivity at a glance, for receivers that show emoji."""
_WINDOWS = {
    (True, False): "outside the change window",
    (True, True): "outside the change window, frozen by",
    (False, False): "inside a change window",
    (False, True): "inside change window",
}
"""Whether outside, and whether the windows that say so have names."""

_HIDDEN = "***"
_NEW = "new"
_GONE = "gone"
_BRIEF = 160
_KINDS = {"group_admin": "group admin", "self_service_user": "self-service user", "api_token": "API token"}
"""Types of actors worth a word; an ordinary administrator is not."""

_SPELLED = {
    "api": "API",
    "ca": "CA",
    "coa": "CoA",
    "ip": "IP",
    "ipsk": "iPSK",
    "radius": "RADIUS",
    "radsec": "RadSec",
    "saml": "SAML",
    "url": "URL",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONG_LIST = 4


@dataclass(frozen=True, slots=True)
class Changed:
    """One setting and what became of it.

    Where two values side by side would say little, ``note`` says in our words what happened, and at most one of them
    is left: ``new`` and what it is, ``secret value was replaced`` and nothing.
    """

    field: str
    before: str
    after: str
    note: str = ""

    @property
    def text(self) -> str:
        """``before → after``, or the note and what belongs to it."""
        if not self.note:
            return f"{self.before} → {self.after}"
        return f"{self.note}: {self.value}" if self.value else self.note

    @property
    def brief(self) -> str:
        """As ``text``, short enough for a line that says more; ``new`` and ``gone`` are left to its verb."""
        return cut(self.value if self.note in {_NEW, _GONE} else self.text, _BRIEF)

    @property
    def value(self) -> str:
        """What belongs to the note."""
        return self.after or self.before


@dataclass(frozen=True, slots=True)
class Story:
    """One event, told.

    ``epoch`` is its time in seconds, None if unreadable. ``outside`` is whether it happened outside the change windows,
    None if nobody knows; ``windows`` names the windows or freezes that say so.
    """

    event_id: str
    title: str
    who: str
    context: str
    organization: str
    thing: str
    action: str
    when: str
    epoch: int | None
    sensitivity: int
    outside: bool | None
    windows: str
    address: str
    tags: tuple[str, ...]
    changes: tuple[Changed, ...]
    more_changes: int = 0

    @property
    def where(self) -> str:
        """The context, or the organization for a change of the organization itself."""
        return self.context or self.organization or "unknown place"

    @property
    def level(self) -> str:
        """The sensitivity in words."""
        return LEVELS[self.sensitivity]

    @property
    def light(self) -> str:
        """The sensitivity at a glance."""
        return LIGHTS[self.sensitivity]

    @property
    def place(self) -> str:
        """Where, and in which organization."""
        return f"{self.context} in {self.organization}" if self.context and self.organization else self.where

    @property
    def grade(self) -> str:
        """``outside the change window, sensitivity 5 of 5 (critical)``."""
        rated = f"sensitivity {self.sensitivity} of 5 ({self.level})"
        return f"{self.window} {self.windows}".rstrip() + f", {rated}" if self.window else rated

    @property
    def window(self) -> str:
        """How it stands to the change windows, in our words; the names follow. "" if nobody knows."""
        return "" if self.outside is None else _WINDOWS[self.outside, bool(self.windows)]

    @property
    def stamp(self) -> str:
        """Its time as RFC 3339 in UTC, to the second; "" if unreadable."""
        return "" if self.epoch is None else f"{datetime.fromtimestamp(self.epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def text(self) -> str:
        """The whole event on a few lines of plain text."""
        lines = [
            self.title,
            self.grade,
            f"Who: {self.who}" + (f" from {self.address}" if self.address else ""),
            f"Where: {self.place}",
            f"When: {self.when}",
            *(f"{change.field}: {change.text}" for change in self.changes),
        ]
        if self.more_changes:
            lines.append(f"and {self.more_changes:,} more changed settings")
        return "\n".join([*lines, f"Event: {self.event_id}"])

    @property
    def line(self) -> str:
        """The whole event on one line, for notifications and titles: what first, then who and where."""
        others = len(self.changes) - 1 + self.more_changes
        more = f" and {others:,} more" if others > 0 else ""
        told = f": {self.changes[0].brief}{more}," if self.changes else ""
        return f"{self.title}{told} by {self.who} in {self.where}"

    def to_bytes(self) -> bytes:
        """Compact JSON that ``from_bytes`` reads: the form in which a digest's items wait to be put together."""
        changes = [[change.field, change.before, change.after, change.note] for change in self.changes]
        values = [getattr(self, name) for name in _PLAIN]
        return orjson.dumps([*values, self.tags, changes])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The story that ``to_bytes`` wrote."""
        *values, tags, changes = orjson.loads(data)
        told = tuple(Changed(*change) for change in changes)
        return cls(**dict(zip(_PLAIN, values, strict=True)), tags=tuple(tags), changes=told)


_PLAIN = tuple(field.name for field in fields(Story) if field.name not in {"tags", "changes"})


def tell(event: Event) -> Story:
    """The story of an event. Any JSON is taken: what is missing or odd is told as unknown, nothing raises."""
    data = event.data
    entity, context, organization = _object(data, "entity"), _object(data, "context"), _object(data, "organization")
    moment = _moment(data.get("occurred_at"))
    made = changes(data)
    action = text_of(data.get("action"), NAME_ROOM) or "other"
    outside = data.get("outside_change_window")
    return Story(
        event_id=one_line(event.id, NAME_ROOM),
        title=_title(data, event.type, entity),
        who=_who(_object(data, "actor")),
        context=_named(context),
        organization=_named(organization),
        thing=_thing(entity),
        action=action,
        when=f"{moment:%a %d %b %Y %H:%M:%S} UTC" if moment else "unknown time",
        epoch=int(moment.timestamp()) if moment else None,
        sensitivity=_sensitivity(data.get("sensitivity")),
        outside=outside if isinstance(outside, bool) else None,
        windows=_windows(data.get("change_windows"), "freeze" if outside is True else "allow"),
        address=one_line(source_ip(data), NAME_ROOM),
        tags=_tags(data.get("tags")),
        changes=tuple(_changed(change, action) for change in made[:MOST_CHANGES]),
        more_changes=max(0, len(made) - MOST_CHANGES),
    )


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _named(place: Mapping[str, Any]) -> str:
    return text_of(place.get("name"), NAME_ROOM) or text_of(place.get("id"), NAME_ROOM)


def _title(data: Mapping[str, Any], event_type: str, entity: Mapping[str, Any]) -> str:
    """The description, and which thing it is about unless it says so itself."""
    title = text_of(data.get("description"), TITLE_ROOM) or one_line(event_type, TITLE_ROOM) or "Configuration change"
    kind, name = _kind(entity), _named(entity)
    told = title.casefold()
    if not name or name.casefold() in told:
        return title
    rest = name if kind.casefold() in told else f"{kind} {name}"
    return one_line(f"{title} ({rest})", TITLE_ROOM)


def _thing(entity: Mapping[str, Any]) -> str:
    return " ".join(part for part in (_kind(entity), _named(entity)) if part)


def _kind(entity: Mapping[str, Any]) -> str:
    """``attribute_profile`` and ``AttributeProfile`` as ``attribute profile``."""
    words = _CAMEL.sub(" ", text_of(entity.get("type"), NAME_ROOM)).replace("_", " ").split()
    return " ".join(_SPELLED.get(word.lower(), word.lower()) for word in words).replace("self service", "self-service")


def _who(actor: Mapping[str, Any]) -> str:
    kind = text_of(actor.get("type"), NAME_ROOM)
    name = text_of(actor.get("email"), NAME_ROOM) or text_of(actor.get("id"), NAME_ROOM)
    if kind == "system":
        return "the platform itself"
    if not name:
        return f"an unknown {_KINDS.get(kind, 'person')}"
    return f"{name} ({_KINDS[kind]})" if kind in _KINDS else name


def _windows(windows: Any, kind: str) -> str:
    """Names of the windows of a kind."""
    found = [window for window in windows if isinstance(window, dict)] if isinstance(windows, list) else []
    return text_of([window.get("name") for window in found if window.get("kind") == kind], NAME_ROOM)


def _tags(tags: Any) -> tuple[str, ...]:
    texts = [one_line(tag, NAME_ROOM) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return tuple(text for text in texts if text)[:MOST_TAGS]


def _sensitivity(value: Any) -> int:
    return value if type(value) is int and value in LEVELS else 3


def _moment(stamp: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _changed(change: Mapping[str, Any], action: str) -> Changed:
    before, after = change.get("before"), change.get("after")
    field = text_of(change.get("field"), NAME_ROOM) or text_of(change.get("path"), NAME_ROOM) or "a setting"
    old, new = value_text(before, VALUE_ROOM), value_text(after, VALUE_ROOM)
    if change.get("secret") is True or old == new == _HIDDEN:
        return Changed(field, "", "", _secret_note(old, new, action))
    if isinstance(before, list) and isinstance(after, list) and max(len(before), len(after)) > _LONG_LIST:
        return Changed(field, "", _difference(before, after), f"{len(before):,} entries became {len(after):,}")
    if old == new:
        return Changed(field, "", "" if new == EMPTY else new, "no visible difference")
    if old == EMPTY and isinstance(after, dict):
        return Changed(field, "", new, _NEW)
    if new == EMPTY and isinstance(before, dict):
        return Changed(field, old, "", _GONE)
    return Changed(field, old, new)


def _secret_note(old: str, new: str, action: str) -> str:
    if action == "view":
        return "secret value was viewed"
    if old == EMPTY:
        return "secret value was set"
    return "secret value was removed" if new == EMPTY else "secret value was replaced"


def _difference(before: list[Any], after: list[Any]) -> str:
    """What came and what went, when the two lists are too long to be compared by eye."""
    room = VALUE_ROOM // 2
    old, new = [value_text(one, room) for one in before], [value_text(one, room) for one in after]
    known, kept = set(old), set(new)
    added = one_line(", ".join(one for one in new if one not in known), room)
    removed = one_line(", ".join(one for one in old if one not in kept), room)
    parts = [f"{word} {names}" for word, names in (("added", added), ("removed", removed)) if names]
    return "; ".join(parts)
