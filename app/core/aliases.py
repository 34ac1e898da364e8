"""The names under which sources send one thing, the first hit winning, and how a found text is cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import InvalidInputError
from app.core.masking import bounded, mask_text
from app.core.secret_shapes import Harmless

ID = ("id", "event_id", "uuid", "eventUuid", "AuditLogID", "_document_id")
"""Instance ids. ``eventId`` is not one of them: it holds the event type."""
TYPE = ("eventId", "type", "event_type", "eventType", "event", "topic")
TIME = ("timestamp", "eventTime", "time", "occurred_at", "published", "created_at", "@timestamp")
ORGANIZATION = ("organizationId", "organization_id", "scope.organizationId", "organization.id", "org_id")
ORGANIZATION_NAME = ("organizationName", "organization_name", "organization.name")
CONTEXT = ("contextId", "context_id", "scope.contextId", "context.id")
CONTEXT_NAME = ("contextName", "context_name", "scope.contextName", "context.name")
ACTION = ("action", "change.action", "operation")
DESCRIPTION = ("description", "change.description", "message")
ENTITY = ("entity", "resource", "target")
USER_ID = ("userId", "user_id")
USER_EMAIL = ("userEmail", "user_email")
USER_NAME = ("userName", "user_name")
BEFORE = ("before", "from", "old", "oldValue", "old_value", "oldText", "OldValue")
AFTER = ("after", "to", "new", "newValue", "new_value", "newText", "NewValue")
FIELD = ("field", "name", "label", "displayName", "key", "property")
SNAPSHOTS = (("before", "after"), ("prechange", "postchange"), ("old", "new"), ("OldValue", "NewValue"))
"""Two whole states of a thing, or its only value twice."""

MAX_KEY = 128
"""Characters of an id that scopes or routes an event; a longer one is refused, since a cut one may equal another."""
MAX_NAME = 512
"""Characters kept of a name or a label."""
MAX_DESCRIPTION = 4096
"""Characters kept of a description."""
_DOTTED = {
    name: tuple(name.split(".", 1))
    for names in (ORGANIZATION, ORGANIZATION_NAME, CONTEXT, CONTEXT_NAME, ACTION, DESCRIPTION)
    for name in names
    if "." in name
}
_CLEAN_TEXTS = Harmless()
_CLEAN_IDS = Harmless()
_SHORTEST_MASKABLE = 7
"""``psk=xyz`` is the shortest text that can hold a credential."""


def find(element: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first value under one of the names that is not None; a dotted name looks into an object."""
    for name in names:
        value = element.get(name)
        if value is not None:
            return value
        if name in _DOTTED:
            outer, inner = _DOTTED[name]
            holder = element.get(outer)
            if type(holder) is dict and holder.get(inner) is not None:
                return holder[inner]
    return None


def first_key(element: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of the names that is present, be its value None."""
    for name in names:
        if name in element:
            return name
    return None


def text_of(value: Any, limit: int = MAX_NAME) -> str | None:
    """A masked, bounded text; None for nothing, a blank text, a boolean, a list or an object."""
    if type(value) is not str:
        if type(value) is not int and type(value) is not float:
            return None
        value = str(value)
    text: str = value
    if text in _CLEAN_TEXTS:
        return text
    text = text.replace("\x00", "").strip()
    if len(text) >= _SHORTEST_MASKABLE:
        text = bounded(mask_text(text), limit)
    if not text:
        return None
    return _CLEAN_TEXTS.note(text) if text == value else text


def id_text(value: Any, field: str) -> str | None:
    """An id as text. Ids look random, so only unmistakable credentials in them are masked.

    Raises:
        InvalidInputError: longer than 128 characters.
    """
    if type(value) is not str:
        if type(value) is not int:
            return None
        value = str(value)
    text: str = value
    if text in _CLEAN_IDS:
        return text
    text = (text if text.isprintable() else "".join(filter(str.isprintable, text))).strip()
    if len(text) > MAX_KEY:
        raise InvalidInputError(f"{field} is longer than {MAX_KEY} characters", field=field)
    if len(text) >= _SHORTEST_MASKABLE:
        text = mask_text(text, random_looking=False)
    if not text:
        return None
    return _CLEAN_IDS.note(text) if text == value else text


def loose_id(value: Any) -> str | None:
    """An id that neither scopes nor routes: cut to 128 characters instead of refused."""
    return id_text(value[:MAX_KEY] if type(value) is str else _short(value), "id")


def _short(value: Any) -> Any:
    return str(value)[:MAX_KEY] if type(value) is int else value
