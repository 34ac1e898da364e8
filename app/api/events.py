"""``/v1/events``: looking at what came in. The way in is ``app.api.event_door``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.event_door import SEND_ACCESS
from app.api.front import EVENTS_PATH
from app.api.moments import Moment, micros
from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.routing.event_history import EventFilter
from app.security.permissions import Permission
from app.services import Services

_READ = Permission.EVENTS_READ
_BODIES = (
    *("application/json", "application/x-ndjson"),
    *("application/cloudevents+json", "application/cloudevents-batch+json"),
)
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
    since: Moment | None = None
    until: Moment | None = None
    q: _Text | None = None

    def wanted(self) -> EventFilter:
        """The filter as the history takes it."""
        named = self.model_dump(exclude={"limit", "cursor", "since", "until"})
        return EventFilter(**named, since=micros(self.since), until=micros(self.until))


class OneEventQuery(BaseModel):
    """Whose event is meant, when two organizations use the same id."""

    model_config = ConfigDict(extra="forbid")
    organization: _Text | None = None


def event_routes(services: Services) -> RouteTable:
    """Routes of events."""
    table = RouteTable()

    table.declare("POST", EVENTS_PATH, access=SEND_ACCESS, summary="Send events", takes=_BODIES)

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
    def event_types(call: Call) -> dict[str, Any]:
        return {"items": services.catalogue.by_service(call.scope)}

    return table
