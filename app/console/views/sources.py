"""Sources: addresses for foreign systems that send in their own form, such as GitHub and Okta."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.own_address import own_address
from app.console.pages import At, PageTable, Visit, render
from app.console.source_form import typed_secret
from app.console.words import source_state
from app.core.errors import ConflictError, InvalidInputError
from app.ingest.source_input import NewSource
from app.security.permissions import Permission
from app.services import Services

_READ, _WRITE = Permission.SOURCES_READ, Permission.SOURCES_WRITE
_SHOWN = 100
_Refusals = (ValidationError, InvalidInputError, ConflictError)


def source_pages(services: Services) -> PageTable:
    """The list, and making one."""
    table = PageTable()
    sources = services.sources

    def listed(visit: Visit, errors: Errors, made: dict[str, Any] | None = None) -> Any:
        organization, after = visit.here.organization_id, request.args.get("after", "")
        found, following = sources.page(visit.scope, organization, after=after, limit=_SHOWN)
        return render(
            "sources.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            sources=[one | {"shown": source_state(one)} for one in found],
            kinds=_kinds(services),
            errors=errors,
            typed=request.form,
            made=made,
            base=own_address(services.settings, request),
            next_url=visit.url("sources", after=following) if following else "",
        )

    @table.get("sources", needs=_READ, at=At.ORGANIZATION)
    def list_sources(visit: Visit) -> Any:
        return listed(visit, {})

    @table.post("sources", needs=_WRITE, at=At.ORGANIZATION)
    def create_source(visit: Visit) -> Any:
        try:
            asked = {"kind": request.form.get("kind", ""), "name": request.form.get("name", "")}
            new = NewSource.model_validate(asked | typed_secret(request.form))
            made = sources.create(visit.scope, visit.here.organization_id, new, visit.author)
        except _Refusals as error:
            return listed(visit, errors_of(error))
        return listed(visit, {}, made)

    return table


def _kinds(services: Services) -> list[tuple[str, str]]:
    named = [(name, services.sinks.source(name)) for name in services.sinks.source_names()]
    return [(name, plugin.info.title) for name, plugin in named if plugin is not None]
