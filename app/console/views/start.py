"""The first page: where to go, and a place to go to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import redirect, request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.pages import At, PageTable, Visit, done, render
from app.console.place import Place, url
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.routing.places import NewOrganization, time_zones
from app.security.permissions import Permission
from app.security.person import Membership
from app.security.scope import Scope
from app.services import Services

_SHOWN = 100


def start_pages(services: Services) -> PageTable:
    """The chooser of organizations; whoever has only one starts there, and sees the chooser when they ask for it."""
    table = PageTable()

    @table.get("", needs=None, at=At.ROOT)
    def start(visit: Visit) -> Any:
        places, following = _places(services, visit)
        is_asked_for = "all" in request.args or "after" in request.args
        if len(places) == 1 and following is None and not is_asked_for:
            return redirect(places[0].path)
        return render("start.html", visit, places=places, next_url=url("/", after=following) if following else None)

    @table.get("organizations/new", needs=Permission.ORGANIZATIONS_WRITE, at=At.ROOT)
    def new_organization(visit: Visit) -> Any:
        return _form(visit, {})

    @table.post("organizations/new", needs=Permission.ORGANIZATIONS_WRITE, at=At.ROOT)
    def create_organization(visit: Visit) -> Any:
        asked = {name: request.form.get(name, "").strip() or None for name in ("name", "id", "timezone")}
        try:
            new = NewOrganization.model_validate({name: value for name, value in asked.items() if value is not None})
            made = services.places.create_organization(visit.scope, new)
        except (ValidationError, InvalidInputError, ConflictError) as error:
            return _form(visit, errors_of(error))
        return done(url(Place.of(made, None).path, "connect"), "organization")

    return table


def _form(visit: Visit, errors: Errors) -> Any:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return render("organization_new.html", visit, status=status, errors=errors, typed=request.form, zones=time_zones())


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
