"""CloudEvents 1.0 around an event: the payload inside, and the attributes that stand in for what it lacks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from app.core.aliases import id_text, text_of

_OWN_TYPE_PREFIX = "com.netgraph."
"""Reverse-DNS prefix that turns an event type into a CloudEvents type, and is taken off again here."""
_PAYLOAD_MARKS = ("eventId", "changes", "change", "occurred_at")


class Envelope(NamedTuple):
    """What a CloudEvent says around its payload."""

    id: str | None
    type: str | None
    time: Any
    source: str | None


def is_cloudevent(element: Mapping[str, Any]) -> bool:
    """Whether an element carries the attributes that every CloudEvent must have."""
    return "specversion" in element and ("data" in element or "data_base64" in element or "source" in element)


def open_cloudevent(element: Mapping[str, Any]) -> tuple[dict[str, Any], Envelope]:
    """The payload as an element, and the envelope.

    An audit payload keeps its own names. Any other data has names that mean something else there (``id`` of a user,
    say), so it is kept whole under ``data``.
    """
    named = element.get("type")
    kind = id_text(named.removeprefix(_OWN_TYPE_PREFIX) if type(named) is str else named, "type")
    envelope = Envelope(id_text(element.get("id"), "id"), kind, element.get("time"), text_of(element.get("source")))
    data = element.get("data")
    if data is None and type(element.get("data_base64")) is str:
        data = _decode(element["data_base64"])
    if type(data) is list and len(data) == 1:
        data = data[0]
    if type(data) is dict and any(mark in data for mark in _PAYLOAD_MARKS):
        return data, envelope
    payload: dict[str, Any] = {} if data is None else {"data": data}
    for name, value in element.items():
        if name in {"organizationid", "contextid", "subject"}:
            payload[_EXTENSIONS[name]] = value
    return payload, envelope


_EXTENSIONS = {"organizationid": "organizationId", "contextid": "contextId", "subject": "entity"}


def _decode(text: str) -> Any:
    try:
        return orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return {"undecoded_characters": len(text)}
