"""One event in the envelope of Splunk's HTTP Event Collector (the ``event`` endpoint)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.sinks import Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CIM_ACTIONS = {
    "create": "created",
    "add": "created",
    "update": "modified",
    "delete": "deleted",
    "remove": "deleted",
    "view": "read",
}
"""Our actions in the words that the CIM Change data model prescribes."""


def envelope(event: Event, metadata: dict[str, str], *, cim: bool) -> bytes:
    """The JSON object for one event.

    Args:
        event: the canonical event; its stored bytes are spliced in unchanged as ``event``.
        metadata: ``index``, ``source``, ``sourcetype`` and ``host``, only those that are set.
        cim: whether the indexed fields include those of the CIM Change data model.
    """
    data = event.data
    head: dict[str, Any] = {}
    seconds = epoch_seconds(data.get("occurred_at"))
    if seconds is not None:
        head["time"] = seconds
    head.update(metadata)
    head["fields"] = flat_fields(event) | (cim_fields(data) if cim else {})
    return orjson.dumps(head)[:-1] + b',"event":' + event.json + b"}"


def epoch_seconds(stamp: Any) -> float | None:
    """RFC 3339 text as epoch seconds with a fraction; None for anything else, and then Splunk takes its own time."""
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) / timedelta(seconds=1)


def flat_fields(event: Event) -> dict[str, str | list[str]]:
    """What people search by, as indexed fields: texts and lists of texts, never nested (HEC code 15)."""
    data = event.data
    found = {
        "event_id": event.id,
        "event_type": event.type,
        "organization_id": _at(data, "organization", "id"),
        "organization": _at(data, "organization", "name"),
        "service": _text(data.get("service")),
        "context_id": _at(data, "context", "id"),
        "context": _at(data, "context", "name"),
        "operation": _text(data.get("action")),
        "sensitivity": _text(data.get("sensitivity")),
        "outside_change_window": _text(data.get("outside_change_window")),
    }
    fields: dict[str, str | list[str]] = {name: value for name, value in found.items() if value}
    tags = _texts(data.get("tags"))
    return fields | {"event_tags": tags} if tags else fields


def cim_fields(data: dict[str, Any]) -> dict[str, str | list[str]]:
    """The CIM Change fields that an audit event can fill.

    The model empties ``action`` and every ``object*`` value that holds a double quote, so quotes become single.
    """
    action = _text(data.get("action"))
    found = {
        "action": _CIM_ACTIONS.get(action, action),
        "change_type": "configuration",
        "command": action,
        "dest": _at(data, "context", "name") or _at(data, "organization", "name") or _at(data, "organization", "id"),
        "object": _at(data, "entity", "name") or _at(data, "entity", "id"),
        "object_category": _at(data, "entity", "type"),
        "object_id": _at(data, "entity", "id"),
        "src": _at(data, "metadata", "source_ip"),
        "status": "success",
        "user": _at(data, "actor", "email") or _at(data, "actor", "id") or _at(data, "actor", "type"),
        "vendor_product": _text(data.get("service")),
    }
    fields: dict[str, str | list[str]] = {name: value.replace('"', "'") for name, value in found.items() if value}
    attributes = [text.replace('"', "'") for text in _changed(data.get("changes"))]
    return fields | {"object_attrs": attributes} if attributes else fields


def _changed(changes: Any) -> list[str]:
    if not isinstance(changes, list):
        return []
    return [name for change in changes if (name := _key(change, "path") or _key(change, "field"))]


def _at(data: dict[str, Any], name: str, key: str) -> str:
    return _key(data.get(name), key)


def _key(thing: Any, key: str) -> str:
    return _text(thing.get(key)) if isinstance(thing, dict) else ""


def _texts(values: Any) -> list[str]:
    return [text for value in values if (text := _text(value))] if isinstance(values, list) else []


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
