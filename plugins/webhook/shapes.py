"""The body shapes of the generic webhook: how one event looks, and how many are framed together."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import orjson

from app.sinks import Event, Item


class BodyShape(StrEnum):
    """What the receiver gets in one request."""

    AUTO = "auto"
    """An object in instant mode, an array in batch mode."""
    OBJECT = "object"
    ARRAY = "array"
    NDJSON = "ndjson"
    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0 over HTTP: structured mode in instant mode, batched mode in batch mode."""


CONTENT_TYPES = {
    (BodyShape.OBJECT, False): "application/json",
    (BodyShape.OBJECT, True): "application/json",
    (BodyShape.ARRAY, False): "application/json",
    (BodyShape.ARRAY, True): "application/json",
    (BodyShape.NDJSON, False): "application/x-ndjson",
    (BodyShape.NDJSON, True): "application/x-ndjson",
    (BodyShape.CLOUDEVENTS, False): "application/cloudevents+json",
    (BodyShape.CLOUDEVENTS, True): "application/cloudevents-batch+json",
}
"""Content type by shape and batch mode."""


def cloudevent(event: Event) -> bytes:
    """The event as one CloudEvents 1.0 JSON object (structured mode), the canonical event spliced in as ``data``."""
    data = event.data
    attributes = {
        "specversion": "1.0",
        "id": event.id,
        "source": _source(data),
        "type": event.type,
        "datacontenttype": "application/json",
    }
    if isinstance(data.get("occurred_at"), str):
        attributes["time"] = data["occurred_at"]
    subject = _subject(data.get("entity"))
    if subject:
        attributes["subject"] = subject
    return orjson.dumps(attributes)[:-1] + b',"data":' + event.json + b"}"


def _source(data: dict[str, Any]) -> str:
    """A URI reference: ``/organizations/<id>`` and, for an event of a Context, ``/contexts/<id>`` after it."""
    path = f"/organizations/{_part(data.get('organization'), 'id') or 'unknown'}"
    context = _part(data.get("context"), "id")
    return f"{path}/contexts/{context}" if context else path


def _subject(entity: Any) -> str:
    parts = [_part(entity, "type"), _part(entity, "id")]
    return "/".join(part for part in parts if part)


def _part(thing: Any, key: str) -> str:
    value = thing.get(key) if isinstance(thing, dict) else None
    return "" if value is None else quote(str(value), safe="")


def frame(shape: BodyShape, items: Sequence[Item], *, batch: bool) -> bytes:
    """The request body for these items. An object shape carries exactly one item, as the same bytes object."""
    if shape is BodyShape.OBJECT or (shape is BodyShape.CLOUDEVENTS and not batch):
        (only,) = items
        return only.body
    if shape is BodyShape.NDJSON:
        return b"\n".join([item.body for item in items]) + b"\n"
    return b"[" + b",".join([item.body for item in items]) + b"]"
