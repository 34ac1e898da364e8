"""``/v1/plugins`` and ``/v1/sinks``: what is installed, and what a sink would send."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.problems import from_validation
from app.api.routing import Call, RouteTable
from app.api.services import Services
from app.core.endpoint_url import check_endpoint_url
from app.core.errors import InvalidInputError, NotFoundError
from app.core.header_rules import header_lines
from app.core.shown_url import MASK, shown_url
from app.security.permissions import Permission
from app.sinks.protocol import Sink
from app.sinks.settings import sink_schema
from app.sinks.types import Binding, Event, OutboundRequest, Reject


class Rendering(BaseModel):
    """What to render: settings, and an event or the id of an accepted one; without an address, for a sample one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    config: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, Any] = Field(default_factory=dict)
    endpoint_url: str | None = None
    event: dict[str, Any] | None = None
    event_id: str | None = None
    batch: bool = False


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
        event = asked.event
        if asked.event_id is not None:
            event = services.events.get(call.scope, asked.event_id)
        if event is None:
            raise InvalidInputError("give an event, or the event_id of an accepted one", field="event")
        return _rendered(found, asked, event)

    return table


def describe_plugins(services: Services) -> dict[str, Any]:
    """Loaded, failed and switched-off plugins, and every sink with its settings schema."""
    manager = services.sinks
    sinks = [(name, manager.get(name)) for name in manager.names()]
    return {
        "items": [asdict(plugin) for plugin in manager.plugins()],
        "failed": [asdict(plugin) for plugin in manager.failed_plugins],
        "blocked": list(manager.blocked_plugins),
        "sinks": [{**asdict(sink.info), "settings": sink_schema(sink)} for _, sink in sinks if sink is not None],
        "next": None,
    }


def _rendered(sink: Sink, asked: Rendering, event: dict[str, Any]) -> dict[str, Any]:
    try:
        config = sink.config_model.model_validate(asked.config)
        secrets = sink.secrets_model.model_validate(asked.secrets)
    except ValidationError as error:
        raise from_validation(
            error, prefix="config" if error.title == sink.config_model.__name__ else "secrets"
        ) from None
    endpoint_url = asked.endpoint_url or sink.info.sample_url
    check_endpoint_url(endpoint_url, sink.info.schemes)
    binding: Binding[Any, Any] = Binding(
        webhook_id="wh_preview",
        webhook_name="preview",
        organization_id="",
        endpoint_url=endpoint_url,
        config=config,
        secrets=secrets,
        batch=asked.batch,
    )
    item = sink.format(Event(str(event.get("id", "")), str(event.get("type", "")), orjson.dumps(event)), binding)
    if isinstance(item, Reject):
        return {"request": None, "rejected": item.reason}
    return {"request": _shown(sink.build_request([item], binding), sink), "rejected": None}


def _shown(request: OutboundRequest, sink: Sink) -> dict[str, Any]:
    header_lines(request.headers)
    return {
        "method": request.method,
        "url": shown_url(request.url, secret_path=sink.info.secret_url),
        "headers": {name: MASK if name.lower() in request.secret_headers else value for name, value in request.headers},
        "body": request.shown_body.decode("utf-8", "replace"),
    }
