"""``/events/<event>``: where links in messages lead, which know an event but not the place of whoever opens them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import redirect

from app.console.pages import At, PageTable, Visit
from app.console.place import url
from app.core.errors import NotFoundError
from app.security.permissions import Permission
from app.security.scope import Scope
from app.services import Services


def event_link_pages(services: Services) -> PageTable:
    """On to the event's own page."""
    table = PageTable()

    @table.get("events/<event>", needs=None, at=At.ROOT)
    def find_event(visit: Visit, event: str) -> Any:
        for membership in visit.person.memberships:
            if not membership.role.role.permissions >= {Permission.EVENTS_READ}:
                continue
            scope = Scope(membership.organization_id, membership.context_id)
            try:
                found = services.events.get(scope, event)
            except NotFoundError:
                continue
            base = url("/o", found["organization"]["id"])
            if membership.context_id is not None:
                base = url(base, "c", membership.context_id)
            return redirect(url(base, "audit", event), HTTPStatus.SEE_OTHER)
        raise NotFoundError("there is no such event, or it happened where you have no role")

    return table
