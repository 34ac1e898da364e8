"""Bindings and requests of the SIEM sink, in one line each."""

from __future__ import annotations

from typing import Any

from app.sinks import AnyBinding, Binding, Event, Item, OutboundRequest
from plugins.siem import SiemSink
from plugins.siem.settings import SiemConfig, SiemSecrets

SINK = SiemSink()
TLS = "syslog+tls://siem.example:6514"
HTTPS = "https://siem.example/in"
FORMATS = ("cef", "leef", "ecs", "ocsf", "json", "ndjson")


def bound(url: str = TLS, *, batch: bool = False, **config: Any) -> AnyBinding:
    return Binding("wh_1", "SIEM", "607551", url, SiemConfig.model_validate(config), SiemSecrets(), batch=batch)


def item(event: Event, binding: AnyBinding) -> Item:
    shaped = SINK.format(event, binding)
    assert isinstance(shaped, Item), shaped
    return shaped


def request(events: list[Event], binding: AnyBinding) -> OutboundRequest:
    return SINK.build_request([item(event, binding) for event in events], binding)


def record(event: Event, fmt: str, **config: Any) -> str:
    """The bare record, as it goes over HTTPS."""
    return item(event, bound(HTTPS, format=fmt, http_framing="lines", **config)).body.decode()
