"""The catalogue of event types: what can be sent, by service, and what never is."""

from __future__ import annotations

from typing import Any

from app.console.pages import PageTable, Visit, render
from app.security.permissions import Permission
from app.services import Services


def event_type_pages(services: Services) -> PageTable:
    """The catalogue."""
    table = PageTable()

    @table.get("event-types", needs=Permission.EVENTS_READ)
    def event_types(visit: Visit) -> Any:
        return render("event_types.html", visit, services=services.catalogue.by_service(visit.scope))

    return table
