"""``/v1/plugins`` and ``/v1/sinks``: what is installed and how it fares, and what a sink would send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.exchange_view import body_view
from app.api.problems import from_validation
from app.api.routing import Call, RouteTable
from app.core.clock import to_rfc3339
from app.core.endpoint_url import check_endpoint_url, is_syslog
from app.core.errors import InvalidInputError, NotFoundError
from app.core.shown_url import MASK, shown_url
from app.delivery.preview import preview
from app.delivery.ready_webhook import ready_webhook
from app.ops.fingerprint import fingerprint
from app.routing.sink_guard import AskSink
from app.security.permissions import Permission
from app.services import Services
from app.sinks.capabilities import ChecksSettings
from app.sinks.compression import GZIP
from app.sinks.kit.examples import examples
from app.sinks.kit.subject import shown_body
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.settings import sink_schema
from app.sinks.types import Binding, Event, OutboundRequest
from app.store.plugin_faults import recent_faults

MAX_EVENTS = 200
"""Events of one preview: enough to see how a batch is framed."""

HOST_HEADERS = ("user-agent", "webhook-id", "webhook-timestamp", "webhook-signature")
"""What the host adds to every request over HTTP; their values exist only once a request goes out."""


class Rendering(BaseModel):
    """What to render: events, and settings or the webhook that has them.

    Secrets that are left out are stood in for; they are not shown in any case.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    webhook_id: str | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, Any] = Field(default_factory=dict)
    endpoint_url: str | None = None
    batch: bool = False
    event: dict[str, Any] | None = None
    event_id: str | None = None
    events: list[dict[str, Any]] = Field(default_factory=list, max_length=MAX_EVENTS)
    event_ids: list[str] = Field(default_factory=list, max_length=MAX_EVENTS)


def sink_routes(services: Services) -> RouteTable:
    """Routes of plugins and sinks."""
    table = RouteTable()

    @table.add("GET", "/v1/plugins", access=Permission.PLATFORM_READ, summary="List plugins and their sinks")
    def plugins(_call: Call) -> dict[str, Any]:
        return describe_plugins(services)

    @table.add(
        "POST",
        "/v1/sinks/<sink>/render",
        access=Permission.WEBHOOKS_READ,
        summary="Show the request a sink would send; sends nothing",
        body=Rendering,
    )
    def render(call: Call, sink: str) -> dict[str, Any]:
        found = services.sinks.get(sink)
        if found is None:
            raise NotFoundError("no such sink")
        asked: Rendering = call.body
        binding = _binding(services, call, found, asked)
        events = _events(services, call, asked)
        shown = services.runtimes.ask(sink, lambda: preview(found, binding, events))
        requests = [_shown(request, found) for request in shown.requests]
        return {
            "request": requests[0] if requests else None,
            "requests": requests,
            "rejected": [{"event_id": one.event_id, "reason": one.reason} for one in shown.rejected],
        }

    return table


def describe_plugins(services: Services) -> dict[str, Any]:
    """Loaded, failed and switched-off plugins, and every sink and source with its settings schema."""
    manager = services.sinks
    sinks = [(name, manager.get(name)) for name in manager.names()]
    sources = [manager.source(name) for name in manager.source_names()]
    return {
        "items": [asdict(plugin) | fingerprint(plugin.distribution).document for plugin in manager.plugins()],
        "failed": [asdict(plugin) for plugin in manager.failed_plugins],
        "blocked": list(manager.blocked_plugins),
        "faults": _faults(services),
        "sinks": [{**asdict(sink.info), "settings": sink_schema(sink)} for _, sink in sinks if sink is not None],
        "sources": [
            {**asdict(source.info), "settings": {"config": source.config_model.model_json_schema()}}
            for source in sources
            if source is not None
        ],
        "dialects": [{"name": name, "title": title} for name, title in manager.dialect_titles().items()],
        "next": None,
    }


def _faults(services: Services) -> list[dict[str, Any]]:
    """What plugins did wrong at work in the last day, whichever process met it."""
    with services.store.read() as connection:
        faults = recent_faults(connection, services.clock())
    return [
        {**fault._asdict(), "first_at": to_rfc3339(fault.first_at), "last_at": to_rfc3339(fault.last_at)}
        for fault in faults
    ]


def _events(services: Services, call: Call, asked: Rendering) -> list[Event]:
    """The given events and the stored ones."""
    given = [asked.event] if asked.event is not None else []
    stored = [asked.event_id] if asked.event_id is not None else []
    found = [*given, *asked.events]
    found += [services.events.get(call.scope, event_id) for event_id in [*stored, *asked.event_ids]]
    if not found:
        raise InvalidInputError("give an event, or the event_id of an accepted one", field="event")
    return [Event(str(one.get("id", "")), str(one.get("type", "")), orjson.dumps(one)) for one in found]


def _binding(services: Services, call: Call, sink: Sink, asked: Rendering) -> AnyBinding:
    if asked.webhook_id is None:
        return _given_binding(sink, asked, services.runtimes.ask)
    if asked.config or asked.secrets or asked.endpoint_url:
        raise InvalidInputError("give a webhook_id or settings, not both", field="webhook_id")
    now = services.clock()
    _, runtime = ready_webhook(services.store, services.runtimes, asked.webhook_id, call.scope, now)
    if runtime.sink.info.name != sink.info.name:
        raise InvalidInputError(f"the webhook's sink is {runtime.sink.info.name}", field="webhook_id")
    return runtime.binding


def _given_binding(sink: Sink, asked: Rendering, ask: AskSink) -> AnyBinding:
    url = asked.endpoint_url or sink.info.sample_url
    check_endpoint_url(url, sink.info.schemes)
    name = sink.info.name
    given = asked.secrets or examples(sink.secrets_model)[0]
    config = _validated(lambda: ask(name, lambda: sink.config_model.model_validate(asked.config)), "config")
    secrets = _validated(lambda: ask(name, lambda: sink.secrets_model.model_validate(given)), "secrets")
    if isinstance(sink, ChecksSettings) and asked.secrets:
        checks = sink
        ask(name, lambda: _fitting(checks, config, secrets))
    return Binding("wh_preview", "preview", "", url, config, secrets, asked.batch)


def _validated(validate: Callable[[], BaseModel], part: str) -> BaseModel:
    try:
        return validate()
    except ValidationError as error:
        raise from_validation(error, prefix=part) from None


def _fitting(sink: ChecksSettings, config: BaseModel, secrets: BaseModel) -> None:
    try:
        sink.check_settings(config, secrets)
    except ValueError as wrong:
        raise InvalidInputError(str(wrong), field="config") from None


def _shown(request: OutboundRequest, sink: Sink) -> dict[str, Any]:
    headers = {name: MASK if name.lower() in request.secret_headers else value for name, value in request.headers}
    return {
        "method": request.method,
        "url": shown_url(request.url, secret_path=sink.info.secret_url),
        "headers": headers,
        "added_headers": [] if is_syslog(request.url) else list(HOST_HEADERS),
        **body_view(shown_body(request)),
        "compressed": GZIP in request.headers,
    }
