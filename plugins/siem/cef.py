"""ArcSight Common Event Format, version 0 (CEF 0.1) with the keys of its dictionary.

``CEF:0|vendor|product|version|class|name|severity|key=value key=value``
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import orjson

from plugins.siem.facts import Changed, Facts, cut, without_controls

SEVERITIES = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}
"""By sensitivity: 0 to 3 is low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high."""

VENDOR_ROOM = 63
VERSION_ROOM = 31
CLASS_ROOM = 1023
NAME_ROOM = 512

ROOMS = {
    "act": 63,
    "cat": 1023,
    "cs1": 4000,
    "cs2": 4000,
    "cs3": 4000,
    "cs4": 4000,
    "cs5": 4000,
    "cs6": 4000,
    "deviceExternalId": 255,
    "externalId": 40,
    "fname": 1023,
    "fileId": 1023,
    "fileType": 1023,
    "msg": 1023,
    "sourceServiceName": 1023,
    "spriv": 1023,
    "suid": 1023,
    "suser": 1023,
}
"""Characters that a key's value may have, by the dictionary."""

OTHER_ROOM = 1023
"""Characters for every other key: the dictionary's usual number."""
_MICROSECONDS_PER_MS = 1000


def cef(facts: Facts, vendor: str, product: str, version: str) -> str:
    """One record."""
    header = (
        "CEF:0",
        _header(vendor, VENDOR_ROOM),
        _header(product or facts.product, VENDOR_ROOM),
        _header(version, VERSION_ROOM),
        _header(f"{facts.event_type}:{facts.action or 'change'}", CLASS_ROOM),
        _header(facts.headline, NAME_ROOM),
        str(SEVERITIES[facts.sensitivity]),
    )
    pairs = " ".join(f"{key}={_value(value, ROOMS.get(key, OTHER_ROOM))}" for key, value in _extension(facts) if value)
    return "|".join(header) + "|" + pairs


def _extension(facts: Facts) -> Iterator[tuple[str, str]]:
    """Keys and values; a value that is "" is left out."""
    if facts.occurred_us is not None:
        moment = str(facts.occurred_us // _MICROSECONDS_PER_MS)
        yield "rt", moment
        yield "end", moment
    yield "externalId", facts.event_id
    yield "act", facts.action
    yield "cat", facts.kind
    yield "outcome", "success"
    yield "msg", facts.description
    yield from _actor(facts)
    yield from _source(facts)
    yield "fname", facts.thing
    yield "fileId", facts.entity_id
    yield "fileType", facts.kind
    yield "deviceExternalId", facts.context_id
    yield from _custom("cs1", "ContextName", facts.context_name)
    yield from _custom("cs2", "Tags", ",".join(facts.tags))
    yield from _custom("cs3", "OrganizationId", facts.organization_id)
    if facts.changes:
        yield from _custom("cs4", "ChangedField", ", ".join(change.path for change in facts.changes))
        yield from _custom("cs5", "OldValue", _values(facts.changes, "before"))
        yield from _custom("cs6", "NewValue", _values(facts.changes, "after"))
    yield from _custom("cn1", "Sensitivity", str(facts.sensitivity))
    yield from _custom("cn2", "ChangeCount", str(facts.change_count))
    if facts.outside is not None:
        yield from _custom("cn3", "OutsideChangeWindow", str(int(facts.outside)))


def _actor(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.is_system:
        yield "sourceServiceName", facts.product
        return
    yield "suser", facts.actor
    yield "suid", facts.actor_id
    yield "spriv", "User" if facts.actor_type == "self_service_user" else "Administrator"


def _source(facts: Facts) -> Iterator[tuple[str, str]]:
    """``src`` takes IPv4 only; IPv6 has a place of its own."""
    if isinstance(facts.source_ip, IPv4Address):
        yield "src", str(facts.source_ip)
    elif facts.source_ip is not None:
        yield from _custom("c6a2", "Source IPv6 Address", str(facts.source_ip))


def _custom(key: str, label: str, value: str) -> Iterator[tuple[str, str]]:
    """A pair for what the dictionary has no key for; never a label without its value."""
    if value:
        yield key, value
        yield f"{key}Label", label


def _values(changes: tuple[Changed, ...], side: str) -> str:
    """The value of the only change, or an object of all by their paths."""
    if len(changes) == 1:
        return str(getattr(changes[0], side))
    return orjson.dumps({change.path: getattr(change, side) for change in changes}).decode()


def _header(value: str, room: int) -> str:
    """In the header, backslash and pipe are escaped; it knows no line breaks."""
    return cut(without_controls(value), room).replace("\\", "\\\\").replace("|", "\\|")


def _value(value: str, room: int) -> str:
    r"""In a value, backslash and equals sign are escaped, line breaks are ``\n`` and ``\r``; a pipe stays."""
    escaped = cut(value, room).replace("\\", "\\\\").replace("=", "\\=")
    if escaped.isprintable():
        return escaped
    return without_controls(escaped.replace("\n", "\\n").replace("\r", "\\r"))
