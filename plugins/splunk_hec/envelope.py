"""One event in the envelope of Splunk's HTTP Event Collector (the ``event`` endpoint)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from app.sinks import Event, epoch_us, text, text_at, texts
from plugins.splunk_hec.cim import Fields, cim_fields

_MICROSECONDS = 1_000_000


def envelope(event: Event, metadata: Mapping[str, str], *, cim: bool) -> bytes:
    """The JSON object for one event.

    Args:
        event: the canonical event; its stored bytes are spliced in unchanged as ``event``.
        metadata: ``host``, ``source``, ``sourcetype`` and ``index``, only those that are set.
        cim: whether the indexed fields include those of the CIM Change data model.
    """
    data = event.data
    head: dict[str, object] = {}
    occurred = epoch_us(data.get("occurred_at"))
    if occurred is not None:
        head["time"] = occurred / _MICROSECONDS
    head.update(metadata)
    head["fields"] = flat_fields(event) | (cim_fields(data) if cim else {})
    return orjson.dumps(head)[:-1] + b',"event":' + event.json + b"}"


def flat_fields(event: Event) -> Fields:
    """What people search by, as indexed fields: texts and lists of texts, never nested (HEC code 15)."""
    data = event.data
    found = {
        "event_id": event.id,
        "event_type": event.type,
        "organization_id": text_at(data, "organization", "id"),
        "organization": text_at(data, "organization", "name"),
        "service": text(data.get("service")),
        "context_id": text_at(data, "context", "id"),
        "context": text_at(data, "context", "name"),
        "operation": text(data.get("action")),
        "sensitivity": text(data.get("sensitivity")),
        "outside_change_window": text(data.get("outside_change_window")),
    }
    fields: Fields = {name: value for name, value in found.items() if value}
    tags = texts(data.get("tags"))
    return fields | {"event_tags": tags} if tags else fields
