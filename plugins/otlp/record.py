"""One event as an OpenTelemetry log record, before it is written as protobuf or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.sinks import Event, changes, epoch_us, json_text, source_ip, text, text_at, texts
from plugins.otlp.settings import Body

INFO, WARN = 9, 13
"""Severity numbers of the logs data model: the first of each range."""
_SENSITIVE = 4
"""Sensitivity from which a change is a warning."""

Value = str | int | bool | list[str]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """The fields of a log record that we fill. Times are nanoseconds since 1970, 0 = unknown."""

    time_unix_nano: int
    observed_time_unix_nano: int
    severity_number: int
    severity_text: str
    body: str
    attributes: Mapping[str, Value]
    event_name: str


def log_record(event: Event, body: Body) -> LogRecord:
    """The record of an event."""
    data = event.data
    sensitivity = data.get("sensitivity")
    warns = isinstance(sensitivity, int) and sensitivity >= _SENSITIVE
    return LogRecord(
        _nanoseconds(data.get("occurred_at")),
        _nanoseconds(data.get("received_at")),
        WARN if warns else INFO,
        "WARN" if warns else "INFO",
        event.json.decode() if body is Body.EVENT else text(data.get("description")) or event.type,
        attributes(event),
        event.type,
    )


def attributes(event: Event) -> dict[str, Value]:
    """OpenTelemetry's own names where it has some, ours under ``relaypoint``; what is unknown is left out."""
    data = event.data
    found: dict[str, Value] = {
        "relaypoint.event.id": event.id,
        "relaypoint.organization.id": text_at(data, "organization", "id"),
        "relaypoint.organization.name": text_at(data, "organization", "name"),
        "relaypoint.service": text(data.get("service")),
        "relaypoint.context.id": text_at(data, "context", "id"),
        "relaypoint.context.name": text_at(data, "context", "name"),
        "relaypoint.action": text(data.get("action")),
        "relaypoint.entity.type": text_at(data, "entity", "type"),
        "relaypoint.entity.id": text_at(data, "entity", "id"),
        "relaypoint.entity.name": text_at(data, "entity", "name"),
        "relaypoint.actor.type": text_at(data, "actor", "type"),
        "relaypoint.tags": texts(data.get("tags")),
        "relaypoint.changes": [json_text(dict(change)) for change in changes(data)],
        "user.id": text_at(data, "actor", "id"),
        "user.email": text_at(data, "actor", "email"),
        "client.address": source_ip(data),
    }
    kept = {name: value for name, value in found.items() if value}
    sensitivity, outside = data.get("sensitivity"), data.get("outside_change_window")
    if type(sensitivity) is int:
        kept["relaypoint.sensitivity"] = sensitivity
    if isinstance(outside, bool):
        kept["relaypoint.outside_change_window"] = outside
    return kept


def _nanoseconds(stamp: Any) -> int:
    return max(0, (epoch_us(stamp) or 0) * 1000)
