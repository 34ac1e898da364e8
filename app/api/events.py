"""``/v1/events``: the way in, and looking at what came in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from flask import request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.api.paging import PageQuery, page
from app.api.problems import ProblemError
from app.api.request_body import read_bounded
from app.api.routing import Call, RouteTable
from app.api.services import Services
from app.core.clock import Micros
from app.core.event_types import EVENT_TYPES
from app.ingest.accept import NothingAcceptedError
from app.routing.event_history import EventFilter
from app.security.permissions import Permission

_READ = Permission.EVENTS_READ
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class EventQuery(PageQuery):
    """Which events to list."""

    organization: _Text | None = None
    context: _Text | None = None
    event_type: _Text | None = None
    actor: _Text | None = None
    action: _Text | None = None
    tag: _Text | None = None
    sensitivity_min: Annotated[int, Field(ge=1, le=5)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    q: _Text | None = None

    def wanted(self) -> EventFilter:
        """The filter as the history takes it."""
        named = self.model_dump(exclude={"limit", "cursor", "since", "until"})
        return EventFilter(**named, since=micros(self.since), until=micros(self.until))


class OneEventQuery(BaseModel):
    """Whose event is meant, when two organizations use the same id."""

    model_config = ConfigDict(extra="forbid")
    organization: _Text | None = None


def micros(moment: datetime | None) -> Micros | None:
    """Microseconds since the epoch."""
    if moment is None:
        return None
    whole = moment.astimezone(UTC)
    return int(whole.replace(microsecond=0).timestamp()) * 1_000_000 + whole.microsecond


def event_routes(services: Services) -> RouteTable:
    """Routes of events."""
    table = RouteTable()

    @table.add("POST", "/v1/events", access=Permission.EVENTS_SEND, summary="Send events")
    def send(call: Call) -> dict[str, Any]:
        body = read_bounded(request, services.settings.ingest_max_bytes)
        content_type = request.headers.get("content-type", "")
        try:
            result = services.ingest.accept(body, content_type, dict(request.headers), call.principal)
        except NothingAcceptedError as error:
            rejected = [asdict(one) for one in error.rejected]
            raise ProblemError(HTTPStatus.BAD_REQUEST, str(error), rejected=rejected) from None
        services.counts.add("relaypoint_events_accepted_total", amount=result.accepted)
        services.counts.add("relaypoint_events_duplicate_total", amount=result.duplicates)
        services.counts.add("relaypoint_events_rejected_total", amount=len(result.rejected))
        return {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": [asdict(one) for one in result.rejected],
            "ids": result.ids,
        }

    @table.add("GET", "/v1/events", access=_READ, summary="List events, newest first", query=EventQuery)
    def list_all(call: Call) -> dict[str, Any]:
        query = call.query
        found = services.events.page(call.scope, query.wanted(), before=query.number_after, limit=query.limit)
        return page(*found)

    @table.add("GET", "/v1/events/<event>", access=_READ, summary="Show an event", query=OneEventQuery)
    def get(call: Call, event: str) -> dict[str, Any]:
        return services.events.get(call.scope, event, call.query.organization)

    @table.add(
        "GET",
        "/v1/events/<event>/explain",
        access=_READ,
        summary="Say which webhooks got an event, and why",
        query=OneEventQuery,
    )
    def explain(call: Call, event: str) -> dict[str, Any]:
        return services.events.explain(call.scope, event, call.query.organization)

    @table.add("GET", "/v1/event-types", access=_READ, summary="List known event types by service")
    def event_types(_call: Call) -> dict[str, Any]:
        services_found: dict[str, list[dict[str, Any]]] = {}
        for one in EVENT_TYPES:
            services_found.setdefault(one.service, []).append(asdict(one))
        return {"items": [{"service": name, "event_types": types} for name, types in services_found.items()]}

    return table
