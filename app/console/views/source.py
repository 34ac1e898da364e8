"""The page of one source: what came, its settings, how its requests prove who sends them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from app.console.durations import read_duration
from app.console.forms import Errors, errors_of
from app.console.own_address import own_address
from app.console.pages import At, PageTable, Visit, done, render
from app.console.source_form import counted_rows, settings_of, typed_secret, typed_settings
from app.console.words import source_state
from app.core.clock import to_rfc3339
from app.core.errors import ConflictError, InvalidInputError
from app.ingest.source_input import SourcePatch, SourceRotation
from app.security.permissions import Permission
from app.services import Services

_READ, _WRITE = Permission.SOURCES_READ, Permission.SOURCES_WRITE


class _Source:
    """Draws the page."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(
        self,
        visit: Visit,
        source_id: str,
        *,
        section: str = "",
        errors: Errors | None = None,
        made: dict[str, Any] | None = None,
    ) -> Response:
        """The page; what was typed stays in the form of the ``section`` that has errors."""
        services = self._services
        source = services.sources.get(visit.scope, visit.here.organization_id, source_id)
        plugin = services.sinks.source(source["kind"])
        sent = request.form if section == "settings" else MultiDict[str, str]()
        return render(
            "source.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            source=source,
            state=source_state(source),
            plugin=None if plugin is None else plugin.info,
            groups=[] if plugin is None else settings_of(plugin, source, sent),
            counted=counted_rows(source),
            section=section,
            errors=errors or {},
            sent=sent,
            made=made,
            now=to_rfc3339(services.clock()),
            base=own_address(services.settings, request),
        )

    def tried(self, visit: Visit, source_id: str, section: str, act: Callable[[], Any]) -> Any:
        """What a form does; when the use case says no, the page with the reason beside the input."""
        try:
            return act()
        except (ValidationError, InvalidInputError, ConflictError) as error:
            return self.shown(visit, source_id, section=section, errors=errors_of(error))


def one_source_pages(services: Services) -> PageTable:
    """One source."""
    table = PageTable()
    page, sources = _Source(services), services.sources

    @table.get("sources/<source>", needs=_READ, at=At.ORGANIZATION)
    def one_source(visit: Visit, source: str) -> Any:
        return page.shown(visit, source)

    @table.post("sources/<source>/settings", needs=_WRITE, at=At.ORGANIZATION)
    def change_source(visit: Visit, source: str) -> Any:
        organization = visit.here.organization_id
        plugin = services.sinks.source(sources.get(visit.scope, organization, source)["kind"])

        def act() -> Any:
            patch = SourcePatch.model_validate(typed_settings(plugin, request.form))
            sources.patch(visit.scope, organization, source, patch, visit.author)
            return done(visit.url("sources", source), "terms")

        return page.tried(visit, source, "settings", act)

    @table.post("sources/<source>/secret", needs=_WRITE, at=At.ORGANIZATION)
    def rotate_source(visit: Visit, source: str) -> Any:
        def act() -> Any:
            overlap_s = read_duration(request.form.get("overlap_s", "1d"), "overlap_s")
            rotation = SourceRotation.model_validate(typed_secret(request.form) | {"overlap_s": overlap_s})
            place, again = visit.here.organization_id, "again" in request.form
            made = sources.rotate(visit.scope, place, source, rotation, visit.author, again=again)
            return page.shown(visit, source, made=made)

        return page.tried(visit, source, "secret", act)

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
