"""IBM QRadar's Log Event Extended Format, version 2.0.

``LEEF:2.0|vendor|product|version|event|delimiter|key=value<delimiter>key=value``
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from plugins.siem.facts import Facts, cut, without_controls
from plugins.siem.settings import LeefDelimiter

CHARACTERS = {LeefDelimiter.TAB: "\t", LeefDelimiter.CARET: "^"}
DECLARED = {LeefDelimiter.TAB: "x09", LeefDelimiter.CARET: "^"}
"""How the header names the delimiter."""

HEADER_ROOM = 255
SHORT_ROOM = 255
_MICROSECONDS_PER_MS = 1000
_UNSAFE = str.maketrans({"|": " ", "^": " "})
"""The format has no escaping: what could end a field or a value becomes a space."""


def leef(facts: Facts, vendor: str, product: str, version: str, delimiter: LeefDelimiter) -> str:
    """One record."""
    event = f"{facts.kind}.{facts.action or 'change'}"
    header = (vendor, product or facts.product, version, event)
    fields = "|".join(_clean(cut(one, HEADER_ROOM)) for one in header)
    pairs = (f"{key}={_clean(value)}" for key, value in _attributes(facts) if value)
    return f"LEEF:2.0|{fields}|{DECLARED[delimiter]}|" + CHARACTERS[delimiter].join(pairs)


def _attributes(facts: Facts) -> Iterator[tuple[str, str]]:
    """Keys and values, no key twice; a value that is "" is left out."""
    if facts.occurred_us is not None:
        yield "devTime", str(facts.occurred_us // _MICROSECONDS_PER_MS)
    yield "cat", cut(facts.service or "configuration", SHORT_ROOM)
    yield "sev", str(2 * facts.sensitivity)
    yield "usrName", cut(facts.actor, SHORT_ROOM)
    yield "role", cut(facts.actor_type, SHORT_ROOM)
    if facts.source_ip is not None:
        yield "src", str(facts.source_ip)
    yield "resource", cut(facts.thing, SHORT_ROOM)
    yield "eventId", cut(facts.event_id, SHORT_ROOM)
    yield "eventType", cut(facts.event_type, SHORT_ROOM)
    yield "action", cut(facts.action, SHORT_ROOM)
    yield "resourceType", cut(facts.kind, SHORT_ROOM)
    yield "resourceId", cut(facts.entity_id, SHORT_ROOM)
    yield "orgId", cut(facts.organization_id, SHORT_ROOM)
    yield "orgName", cut(facts.organization_name, SHORT_ROOM)
    yield "contextId", cut(facts.context_id, SHORT_ROOM)
    yield "contextName", cut(facts.context_name, SHORT_ROOM)
    yield "sensitivity", str(facts.sensitivity)
    yield "outsideChangeWindow", facts.where_outside
    yield "tags", ",".join(facts.tags)
    yield "description", facts.description
    yield "field", ", ".join(change.path for change in facts.changes)
    if len(facts.changes) == 1:
        (only,) = facts.changes
        yield "oldValue", only.before
        yield "newValue", only.after
    elif facts.changes:
        yield "changeCount", str(facts.change_count)
        yield "oldValue", orjson.dumps({change.path: change.before for change in facts.changes}).decode()
        yield "newValue", orjson.dumps({change.path: change.after for change in facts.changes}).decode()


def _clean(value: str) -> str:
    return without_controls(value).translate(_UNSAFE)
