"""Sources: addresses for foreign systems that send in their own form, such as GitHub and Okta."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.own_address import own_address
from app.console.pages import At, PageTable, Visit, done, render
from app.core.errors import ConflictError, InvalidInputError
from app.ingest.source_input import NewSource, SourcePatch, SourceRotation
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
            sources=found,
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
            new = NewSource.model_validate(asked | _secret())
            made = sources.create(visit.scope, visit.here.organization_id, new, visit.author)
        except _Refusals as error:
            return listed(visit, errors_of(error))
        return listed(visit, {}, made)

    return table


def one_source_pages(services: Services) -> PageTable:
    """One source: what came to it, its secret, opening and closing it."""
    table = PageTable()
    sources = services.sources

    def shown(visit: Visit, source: str, errors: Errors, made: dict[str, Any] | None = None) -> Any:
        found = sources.get(visit.scope, visit.here.organization_id, source)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
        return render(
            "source.html",
            visit,
            status=status,
            source=found,
            errors=errors,
            made=made,
            base=own_address(services.settings, request),
        )

    @table.get("sources/<source>", needs=_READ, at=At.ORGANIZATION)
    def source(visit: Visit, source: str) -> Any:
        return shown(visit, source, {})

    @table.post("sources/<source>/secret", needs=_WRITE, at=At.ORGANIZATION)
    def rotate_source(visit: Visit, source: str) -> Any:
        organization = visit.here.organization_id
        try:
            rotation = SourceRotation.model_validate(_secret())
            made = sources.rotate(visit.scope, organization, source, rotation, visit.author)
        except _Refusals as error:
            return shown(visit, source, errors_of(error))
        return shown(visit, source, {}, made)

    @table.post("sources/<source>/switch", needs=_WRITE, at=At.ORGANIZATION)
    def switch_source(visit: Visit, source: str) -> Any:
        patch = SourcePatch(enabled=request.form.get("enabled") == "on")
        sources.patch(visit.scope, visit.here.organization_id, source, patch, visit.author)
        return done(visit.url("sources", source), "saved")

    @table.post("sources/<source>/delete", needs=_WRITE, at=At.ORGANIZATION)
    def delete_source(visit: Visit, source: str) -> Any:
        sources.delete(visit.scope, visit.here.organization_id, source, visit.author)
        return done(visit.url("sources"), "removed")

    return table


def _secret() -> dict[str, Any]:
    typed = request.form.get("secret", "").strip()
    return {"secret": typed} if typed else {}


def _kinds(services: Services) -> list[tuple[str, str]]:
    named = [(name, services.sinks.source(name)) for name in services.sinks.source_names()]
    return [(name, plugin.info.title) for name, plugin in named if plugin is not None]
