"""The canonical event itself, as JSON, with its values cut where its own bytes are too many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.sinks import Event, changes, json_text
from plugins.siem.facts import cut


def shortened(event: Event, room: int, most: int) -> bytes:
    """The event with no value longer than ``room`` characters and at most ``most`` changes, marked ``truncated``."""
    data = {key: _cut(value, room) if key in {"description", "tags"} else value for key, value in event.data.items()}
    data["changes"] = [_cut_each(change, room) for change in changes(event.data)[:most]]
    metadata = event.data.get("metadata")
    data["metadata"] = _cut_each(metadata, room) if isinstance(metadata, Mapping) else {}
    return orjson.dumps(data | {"truncated": True})


def _cut_each(values: Mapping[str, Any], room: int) -> dict[str, Any]:
    return {key: _cut(value, room) for key, value in values.items()}


def _cut(value: Any, room: int) -> Any:
    written = json_text(value)
    return value if len(written) <= room else cut(written, room)
