"""Changes of a webhook's own configuration: who, when, before and after."""

from __future__ import annotations

from typing import Any

from flask import request

from app.console.pages import PageTable, Visit, render
from app.core.whole_numbers import whole_number
from app.routing.event_history import EventFilter
from app.routing.own_audit import OWN_TYPE
from app.security.permissions import Permission
from app.security.scope import Scope
from app.services import Services

_SHOWN = 50


def webhook_history_pages(services: Services) -> PageTable:
    """The page of changes."""
    table = PageTable()

    @table.get("webhooks/<webhook>/history", needs=Permission.WEBHOOKS_READ)
    def changes(visit: Visit, webhook: str) -> Any:
        # Our own changes are events of the organization. Whoever may see the webhook may see what was done to it.
        shown = services.webhooks.get(visit.scope, webhook)
        found, following = services.events.page(
            Scope(visit.here.organization_id),
            EventFilter(event_type=OWN_TYPE, q=webhook),
            before=whole_number(request.args.get("before", "")),
            limit=_SHOWN,
        )
        mine = [one for one in found if (one["entity"] or {}).get("id") == webhook]
        older = visit.url("webhooks", webhook, "history", before=following) if following else ""
        newest = visit.url("webhooks", webhook, "history") if request.args.get("before") else ""
        return render("webhook_history.html", visit, webhook=shown, changes=mine, older=older, newest=newest)

    return table
