"""Events as lines of Loki's streams.

Each item is a whole stream with one line; a request joins the lines of equal streams. So an item can be built without
its neighbours, and the request names each set of labels once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from app.sinks import Event, actor_name, epoch_us, source_ip, text, text_at
from plugins.loki.settings import EventLabel, LokiConfig, Stamp

_VALUES = b',"values":['
"""Stands between a stream's labels and its lines; no label can hold it, because quotes are escaped inside one."""
_END = b"]}"


def labels(data: dict[str, Any], config: LokiConfig) -> dict[str, str]:
    """The labels of an event's stream."""
    from_event = {
        EventLabel.SERVICE: text(data.get("service")),
        EventLabel.ORGANIZATION: text_at(data, "organization", "id"),
        EventLabel.CONTEXT: text_at(data, "context", "id"),
        EventLabel.EVENT_TYPE: text(data.get("type")),
        EventLabel.ACTION: text(data.get("action")),
    }
    chosen = {str(label): from_event[label] for label in config.event_labels if from_event[label]}
    return config.labels | chosen or {"app": "relaypoint"}


def metadata(event: Event) -> dict[str, str]:
    """Structured metadata: what has too many values for a label, as texts."""
    data = event.data
    found = {
        "event_id": event.id,
        "event_type": event.type,
        "context_id": text_at(data, "context", "id"),
        "user": actor_name(data),
        "source_ip": source_ip(data),
        "action": text(data.get("action")),
        "entity_type": text_at(data, "entity", "type"),
        "entity": text_at(data, "entity", "name") or text_at(data, "entity", "id"),
        "sensitivity": text(data.get("sensitivity")),
        "outside_change_window": text(data.get("outside_change_window")),
    }
    return {name: value for name, value in found.items() if value}


def nanoseconds(data: dict[str, Any], stamp: Stamp) -> int | None:
    """The line's time in nanoseconds since 1970, or None when the event has none that Loki could take."""
    chosen = epoch_us(data.get("occurred_at")) if stamp is Stamp.OCCURRED else None
    micros = chosen if chosen is not None else epoch_us(data.get("received_at"))
    return micros * 1000 if micros is not None and micros >= 0 else None


def stream(event: Event, config: LokiConfig, time: int) -> bytes:
    """A stream with this one line: the canonical event as stored."""
    data = event.data
    line = [str(time), event.json.decode(), metadata(event)]
    return b'{"stream":' + orjson.dumps(labels(data, config)) + _VALUES + orjson.dumps(line) + _END


def push(streams: Iterable[bytes]) -> bytes:
    """The body of a push: the lines of equal streams together, streams and lines in the order they came."""
    joined: dict[bytes, list[bytes]] = {}
    for one in streams:
        head, _, lines = one.partition(_VALUES)
        joined.setdefault(head, []).append(lines[: -len(_END)])
    written = [head + _VALUES + b",".join(lines) + _END for head, lines in joined.items()]
    return b'{"streams":[' + b",".join(written) + b"]}"
