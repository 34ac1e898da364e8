"""One event as a row of the custom table. ``table.json`` beside this file declares the same columns."""

from __future__ import annotations

from typing import Any

import orjson

from app.sinks import Event, Item, actor_name, changes, epoch_us, json_text, source_ip, text, text_at, texts

MAX_FIELD_BYTES = 64 * 1024
"""Azure cuts a longer field without a word; we cut it with a mark."""
CUT = "… [cut by Relaypoint]"


def row(event: Event) -> Item | None:
    """The row, or None for an event without a time: ``TimeGenerated`` is mandatory."""
    data = event.data
    if epoch_us(data.get("occurred_at")) is None:
        return None
    sensitivity, outside = data.get("sensitivity"), data.get("outside_change_window")
    columns: dict[str, Any] = {
        "TimeGenerated": data["occurred_at"],
        "EventId": event.id,
        "EventType": event.type,
        "OrganizationId": text_at(data, "organization", "id"),
        "OrganizationName": text_at(data, "organization", "name"),
        "Service": text(data.get("service")),
        "ContextId": text_at(data, "context", "id"),
        "ContextName": text_at(data, "context", "name"),
        "ActorType": text_at(data, "actor", "type"),
        "Actor": actor_name(data),
        "SourceIp": source_ip(data),
        "Action": text(data.get("action")),
        "EntityType": text_at(data, "entity", "type"),
        "EntityId": text_at(data, "entity", "id"),
        "EntityName": text_at(data, "entity", "name"),
        "Description": text(data.get("description")),
        "Changes": json_text([dict(change) for change in changes(data)]),
        "Tags": json_text(texts(data.get("tags"))),
        "Sensitivity": sensitivity if type(sensitivity) is int else None,
        "OutsideChangeWindow": outside if isinstance(outside, bool) else None,
        "Metadata": json_text(data.get("metadata")),
    }
    return Item(event.id, orjson.dumps({name: _within(value) for name, value in columns.items()}))


def _within(value: Any) -> Any:
    """The value, a text cut to what a field may hold."""
    if not isinstance(value, str) or len(value) * 4 <= MAX_FIELD_BYTES:
        return value
    raw = value.encode()
    if len(raw) <= MAX_FIELD_BYTES:
        return value
    return raw[: MAX_FIELD_BYTES - len(CUT.encode())].decode(errors="ignore") + CUT
