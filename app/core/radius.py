"""RADIUS records, which are outcomes of authentications and accounting: read for counting, never delivered.

They are no changes: nothing rates them, no change window judges them, and no log shows them unless it is asked to.

Nobody publishes their shape, so field names are folded (``Calling-Station-Id`` and ``callingStationId`` are one) and
looked for in the event's metadata and one level below. Standards behind the words: RFC 2865 and RFC 2866.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.event import CanonicalEvent
from app.core.event_types import EVENT_TYPES

AUTHENTICATION = "entrypoint.radius.authentication"
ACCOUNTING = "entrypoint.radius.accounting"
RADIUS_TYPES = frozenset(event_type.id for event_type in EVENT_TYPES if not event_type.deliverable)
UNKNOWN_METHOD = "unknown"

_FIELDS = {
    "result": ("result", "outcome", "status", "access", "packettype", "responsepackettype"),
    "method": ("method", "authmethod", "authenticationmethod", "eapmethod", "eaptype"),
    "device": ("callingstationid", "mac", "macaddress", "devicemac", "device"),
    "group": ("groupid", "group", "groupname"),
    "user": ("username", "user", "identity"),
    "session": ("acctstatustype", "statustype", "accountingstatus", "status"),
    "octets_in": ("acctinputoctets", "inputoctets", "octetsin"),
    "octets_out": ("acctoutputoctets", "outputoctets", "octetsout"),
}
_ACCEPTED = frozenset({"accept", "accepted", "accessaccept", "success", "ok", "granted", "allow", "allowed"})
_REJECTED = frozenset({"reject", "rejected", "accessreject", "failure", "failed", "denied", "deny"})
_SESSIONS = {"start": "RADIUS session started", "stop": "RADIUS session ended"}
_MAC = re.compile(r"[0-9a-f]{12}")
_LONGEST = 128
_MOST_OCTETS = 2**62


@dataclass(frozen=True, slots=True)
class RadiusRecord:
    """What is counted of one record.

    Args:
        organization_id: whose network.
        context_id: the context that answered; "" when the source names none.
        method: how the client proved itself, in lower case, or ``unknown``; "" for accounting.
        accepted: authentications accepted, 0 or 1.
        rejected: authentications rejected, 0 or 1.
        sessions: sessions that began, 0 or 1.
        octets_in: received from the client in a session that ended.
        octets_out: sent to it.
        group_id: the group the device was seen in, None when the source does not say.
        device: its MAC address with colons, or whatever names it; None when nothing does.
        user: who was using it, None when unknown.
        seen_at: when, microseconds.
    """

    organization_id: str
    context_id: str
    method: str
    accepted: int
    rejected: int
    sessions: int
    octets_in: int
    octets_out: int
    group_id: str | None
    device: str | None
    user: str | None
    seen_at: int


def read_radius(event: CanonicalEvent) -> RadiusRecord | None:
    """The countable part of an event; None when it is no RADIUS record.

    Octets count when a session stops: the updates before carry the same ones.
    """
    if event.type not in RADIUS_TYPES:
        return None
    found = _folded(event.metadata)
    is_accounting = event.type == ACCOUNTING
    result = _word(_find(found, "result"))
    session = _word(_find(found, "session")) if is_accounting else ""
    stopped = session == "stop"
    return RadiusRecord(
        organization_id=event.organization_id or "",
        context_id=event.context_id or "",
        method="" if is_accounting else _method(_find(found, "method")),
        accepted=int(not is_accounting and result in _ACCEPTED),
        rejected=int(not is_accounting and result in _REJECTED),
        sessions=int(session == "start"),
        octets_in=_octets(_find(found, "octets_in")) if stopped else 0,
        octets_out=_octets(_find(found, "octets_out")) if stopped else 0,
        group_id=_text(_find(found, "group")),
        device=_device(_find(found, "device")),
        user=_text(_find(found, "user")) or event.actor_email,
        seen_at=event.occurred_at,
    )


def describe_record(event_type: str, metadata: Mapping[str, Any], actor_email: str | None) -> str:
    """One line for people: what became of it, and for whom. ``RADIUS authentication rejected for kim``."""
    found = _folded(metadata)
    if event_type == ACCOUNTING:
        line = _SESSIONS.get(_word(_find(found, "session")), "RADIUS accounting record")
    else:
        result = _word(_find(found, "result"))
        ended = "accepted" if result in _ACCEPTED else "rejected" if result in _REJECTED else "outcome"
        line = f"RADIUS authentication {ended}"
    whom = _text(_find(found, "user")) or actor_email or _device(_find(found, "device"))
    return f"{line} for {whom}" if whom else line


def _folded(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """All values by folded name; what stands nearer to the top wins."""
    found: dict[str, Any] = {}
    for level in _levels(metadata):
        for name, value in level.items():
            found.setdefault(_word(name), value)
    return found


def _levels(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    extra = metadata.get("_extra")
    tops = [metadata, extra] if isinstance(extra, dict) else [metadata]
    yield from tops
    for top in tops:
        yield from (value for name, value in top.items() if isinstance(value, dict) and name != "_extra")


def _find(found: Mapping[str, Any], field: str) -> Any:
    value = next((found[name] for name in _FIELDS[field] if found.get(name) not in (None, "")), None)
    return value.get("id", value.get("name")) if isinstance(value, dict) else value


def _word(value: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(value)[:_LONGEST].lower()) if value is not None else ""


def _text(value: Any) -> str | None:
    return str(value).replace("\0", "")[:_LONGEST] if isinstance(value, str | int) and value != "" else None


def _method(value: Any) -> str:
    text = _text(value)
    return text.strip().lower() if text else UNKNOWN_METHOD


def _device(value: Any) -> str | None:
    text = _text(value)
    if text is None:
        return None
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    if _MAC.fullmatch(digits):
        return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
    return text


def _octets(value: Any) -> int:
    try:
        return min(max(int(value), 0), _MOST_OCTETS)
    except (TypeError, ValueError, OverflowError):
        return 0
