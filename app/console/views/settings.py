"""The settings of an organization or a context: its name, its time zone, and for how long what is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from app.console.forms import Errors, errors_of
from app.console.pages import At, PageTable, Visit, done, render
from app.console.place import SERVICES, url
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError
from app.routing.place_change import OrganizationPatch
from app.routing.places import NewContext, time_zones
from app.security.permissions import Permission
from app.services import Services

_READ, _WRITE = Permission.ORGANIZATIONS_READ, Permission.ORGANIZATIONS_WRITE
_CONTEXT_FIELDS = {"context_id": "id", "service": "service", "context_name": "name"}
"""The inputs for a new context, and what the use case calls them."""
_WITH_CONTEXTS = [(name, title) for name, title in SERVICES.items() if name != "organization"]


def settings_pages(services: Services) -> PageTable:
    """The settings."""
    table = PageTable()

    @table.get("settings", needs=_READ)
    def settings(visit: Visit) -> Any:
        return _shown(services, visit)

    @table.post("settings/organization", needs=_WRITE, at=At.ORGANIZATION)
    def change_organization(visit: Visit) -> Any:
        def act() -> Response:
            typed = {name: request.form.get(name, "").strip() for name in ("name", "timezone")}
            patch = OrganizationPatch.model_validate(typed)
            services.place_changes.change_organization(visit.scope, visit.here.organization_id, patch, visit.author)
            return done(visit.url("settings"), "settings")

        return _tried(services, visit, "organization", act)

    @table.post("settings/context", needs=_WRITE, at=At.ORGANIZATION)
    def create_context(visit: Visit) -> Any:
        def act() -> Response:
            typed = {field: request.form.get(name, "").strip() for name, field in _CONTEXT_FIELDS.items()}
            new = NewContext.model_validate(typed | {"id": typed["id"] or None})
            made = services.places.create_context(visit.scope, visit.here.organization_id, new)
            return done(url(visit.here.up, "c", made["id"], "settings"), "context")

        inputs = {field: name for name, field in _CONTEXT_FIELDS.items()}
        return _tried(services, visit, "context", act, inputs)

    return table


def _tried(
    services: Services, visit: Visit, section: str, act: Callable[[], Response], inputs: Mapping[str, str] | None = None
) -> Response:
    """What a form does; when the use case says no, the page with the reason beside the input.

    Args:
        services: the use cases.
        visit: who asks, and where.
        section: the form.
        act: what it does.
        inputs: the names of inputs that are called otherwise than the use case's fields.
    """
    try:
        return act()
    except (ValidationError, InvalidInputError, ConflictError, ForbiddenError) as error:
        known = inputs or {}
        found = {known.get(field, field): words for field, words in errors_of(error).items()}
        return _shown(services, visit, section, found)


def _shown(services: Services, visit: Visit, section: str = "", errors: Errors | None = None) -> Response:
    place = visit.here
    organization = services.places.organization(visit.scope, place.organization_id)
    context = None
    if place.context_id is not None:
        context = services.places.context(visit.scope, place.organization_id, place.context_id)
    return render(
        "settings.html",
        visit,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        organization=organization,
        context=context,
        services=_WITH_CONTEXTS,
        zones=time_zones(),
        kept=services.settings,
        section=section,
        errors=errors or {},
        sent=request.form if errors else MultiDict[str, str](),
    )
