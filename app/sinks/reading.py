"""Reading a canonical event safely: any field may be missing, null or of another type than expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def text(value: Any) -> str:
    """A text, a number or a truth value as text; "" for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def text_at(data: Any, *path: str) -> str:
    """The text at a path of keys, such as ``text_at(event.data, "actor", "email")``; "" when there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return text(data)


def texts(values: Any) -> list[str]:
    """The texts of a list, empty ones left out."""
    return [found for value in values if (found := text(value))] if isinstance(values, list) else []


def changes(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The changes of an event, those that are none left out."""
    listed = data.get("changes")
    return [change for change in listed if isinstance(change, Mapping)] if isinstance(listed, list) else []


def actor_name(data: Mapping[str, Any]) -> str:
    """Who did it: the email address, else the id, else the kind of actor."""
    return text_at(data, "actor", "email") or text_at(data, "actor", "id") or text_at(data, "actor", "type")


def source_ip(data: Mapping[str, Any]) -> str:
    """The address the change was made from, under either spelling that sources use."""
    return text_at(data, "metadata", "source_ip") or text_at(data, "metadata", "sourceIp")


def epoch_us(stamp: Any) -> int | None:
    """RFC 3339 text as whole microseconds since 1970, UTC when it names no zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def json_text(value: Any) -> str:
    """Any JSON value as one compact text; a text stays as it is, null is ""."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
