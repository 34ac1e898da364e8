"""The catalogue of event types: what can be sent, by service, and what never is."""

from __future__ import annotations

from typing import Any

from app.console.event_fields import FIELDS
from app.console.pages import PageTable, Visit, render
from app.routing.event_history import EventFilter
from app.security.permissions import Permission
from app.services import Services


def event_type_pages(services: Services) -> PageTable:
    """The catalogue."""
    table = PageTable()

    @table.get("event-types", needs=Permission.EVENTS_READ)
    def event_types(visit: Visit) -> Any:
        newest, _ = services.events.page(visit.scope, EventFilter(), before=None, limit=1)
        return render(
            "event_types.html",
            visit,
            services=services.catalogue.by_service(visit.scope),
            fields=FIELDS,
            example=newest[0] if newest else None,
        )

    return table
