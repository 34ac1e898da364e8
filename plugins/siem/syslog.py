"""Syslog lines: RFC 5424 and its older relatives, and the framing that tells one from the next.

Timestamps are of the event, not of the sending: the line says when the change was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from app.sinks import Item
from plugins.siem.facts import Facts, cut, without_controls
from plugins.siem.settings import Framing, Header, SiemConfig

SEVERITIES = {1: 6, 2: 6, 3: 5, 4: 4, 5: 2}
"""By sensitivity: informational, informational, notice, warning, critical."""

APP_ROOM = 48
MSGID = "CFGAUDIT"
PARAM_ROOM = 255
FRAME_OVERHEAD = 8
"""A length of up to seven digits and a space, which is more than a line feed."""

BOM = "\ufeff"
_NIL = "-"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})
_TAGLESS = ("CEF:", "LEEF:")
"""Formats that begin with their own name, where their readers look for it: no tag before them."""


def line(facts: Facts, record: str, config: SiemConfig) -> str:
    """The record behind the header that the receiver wants."""
    priority = f"<{config.facility * 8 + SEVERITIES[facts.sensitivity]}>"
    app = _ascii(config.app_name or facts.service, APP_ROOM)
    match config.header:
        case Header.NONE:
            return record
        case Header.RFC3164:
            tag = "" if record.startswith(_TAGLESS) else f"{app}: "
            return f"{priority}{_old_time(facts)} {config.hostname} {tag}{record}"
        case Header.QRADAR:
            return f"{priority}1 {_time(facts)} {config.hostname} {record}"
        case Header.RFC5424:
            data = f"[{config.sd_id}{''.join(_parameters(facts))}]" if config.structured_data else _NIL
            mark = BOM if config.bom else ""
            return f"{priority}1 {_time(facts)} {config.hostname} {app} {_NIL} {MSGID} {data} {mark}{record}"


def framed(items: Iterable[Item], framing: Framing) -> bytes:
    """Messages one after another on a connection."""
    if framing is Framing.NEWLINE:
        return b"".join([item.body + b"\n" for item in items])
    return b"".join([b"%d %s" % (len(item.body), item.body) for item in items])


def _time(facts: Facts) -> str:
    """RFC 5424, 6.2.3: RFC 3339 in UTC with microseconds, and a dash for an unknown time."""
    moment = _moment(facts)
    return _NIL if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _old_time(facts: Facts) -> str:
    """RFC 3164, 4.1.2: English month, day padded with a space, no year and no zone; we write UTC."""
    moment = _moment(facts) or _EPOCH
    return f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"


def _moment(facts: Facts) -> datetime | None:
    return None if facts.occurred_us is None else _EPOCH + timedelta(microseconds=facts.occurred_us)


def _parameters(facts: Facts) -> Iterator[str]:
    """Structured data: what people filter by."""
    pairs = (
        ("id", facts.event_id),
        ("type", facts.event_type),
        ("org", facts.organization_id),
        ("ctx", facts.context_id),
        ("ctxName", facts.context_name),
        ("actor", facts.actor),
        ("action", facts.action),
        ("entity", facts.thing),
        ("field", facts.changes[0].path if facts.changes else ""),
        ("sens", str(facts.sensitivity)),
        ("outside", facts.where_outside),
    )
    for name, value in pairs:
        if value:
            yield f' {name}="{without_controls(cut(value, PARAM_ROOM)).translate(_ESCAPES)}"'


def _ascii(value: str, room: int) -> str:
    """A header field: visible ASCII without spaces, and a dash for nothing."""
    return "".join(character if "!" <= character <= "~" else "_" for character in value[:room]) or _NIL
