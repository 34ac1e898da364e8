"""The first page: where to go."""

from __future__ import annotations

from typing import Any

from flask import redirect, request

from app.console.pages import At, PageTable, Visit, render
from app.console.place import Place, url
from app.core.errors import NotFoundError
from app.security.person import Membership
from app.security.scope import Scope
from app.services import Services

_SHOWN = 100


def start_pages(services: Services) -> PageTable:
    """The chooser of organizations."""
    table = PageTable()

    @table.get("", needs=None, at=At.ROOT)
    def start(visit: Visit) -> Any:
        places, following = _places(services, visit)
        if len(places) == 1 and following is None and not request.args.get("after"):
            return redirect(url(places[0].path, "webhooks"))
        return render("start.html", visit, places=places, next_url=url("/", after=following) if following else None)

    return table


def _places(services: Services, visit: Visit) -> tuple[list[Place], str | None]:
    """Where the visitor has a role; a page of all organizations for a role of the whole platform."""
    mine = visit.person.memberships
    if any(one.organization_id is None for one in mine):
        found, following = services.places.organizations(Scope(), after=request.args.get("after", ""), limit=_SHOWN)
        return [Place.of(one, None) for one in found], following
    return [place for one in mine[:_SHOWN] if (place := _place(services, one))], None


def _place(services: Services, membership: Membership) -> Place | None:
    organization = membership.organization_id or ""
    scope = Scope(organization)
    try:
        found = services.places.organization(scope, organization)
        context = membership.context_id
        return Place.of(found, services.places.context(scope, organization, context) if context else None)
    except NotFoundError:
        return None
