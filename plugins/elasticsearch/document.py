"""One event as a document whose fields have the same types in every event.

Elasticsearch fixes a field's type with the first document that has it and refuses a later one that does not fit. What
may be anything in an event (the values before and after, the metadata) is therefore text here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.sinks import Event, changes, json_text

_FREE = frozenset({"changes", "metadata"})


def document(event: Event) -> bytes:
    """The document's line: the canonical event with ``@timestamp``, free values as JSON text."""
    data = event.data
    shown: dict[str, Any] = {"@timestamp": _text_or_none(data.get("occurred_at"))}
    shown.update((name, value) for name, value in data.items() if name not in _FREE)
    shown["changes"] = [_change(change) for change in changes(data)]
    metadata = data.get("metadata")
    if isinstance(metadata, Mapping):
        shown["metadata"] = {name: json_text(value) for name, value in metadata.items()}
    shown["id"] = event.id
    shown["type"] = event.type
    return orjson.dumps({name: value for name, value in shown.items() if value is not None})


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json_text(value) if name in {"before", "after"} else value
        for name, value in change.items()
        if value is not None
    }


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def action_line(event_id: str) -> bytes:
    """The line before the document: create it, so that one which is there already is left as it is."""
    return orjson.dumps({"create": {"_id": event_id}})
