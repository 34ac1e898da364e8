"""Importing change windows: a file, what it would store, and then storing it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.pages import At, PageTable, Visit, done, render
from app.console.window_file import place_words, typed_text, window_file
from app.core.errors import ConflictError, InvalidInputError
from app.security.permissions import Permission
from app.services import Services

_WRITE = Permission.POLICIES_WRITE
_Refusals = (ValidationError, InvalidInputError, ConflictError)


def window_import_pages(services: Services) -> PageTable:
    """The import of change windows."""
    table = PageTable()
    windows = services.window_import

    @table.get("change-windows/import", needs=_WRITE, at=At.ORGANIZATION)
    def import_form(visit: Visit) -> Any:
        return _shown(visit, "", {})

    @table.post("change-windows/import", needs=_WRITE, at=At.ORGANIZATION)
    def preview_import(visit: Visit) -> Any:
        text = ""
        try:
            text = typed_text(request.form, request.files)
            found = windows.preview(visit.scope, visit.here.organization_id, window_file(text, _kind()))
        except _Refusals as error:
            return _shown(visit, text, errors_of(error))
        return _shown(visit, text, {}, _in_words(found))

    @table.post("change-windows/import/store", needs=_WRITE, at=At.ORGANIZATION)
    def store_import(visit: Visit) -> Any:
        text = request.form.get("text", "")
        try:
            windows.take(visit.scope, visit.here.organization_id, window_file(text, _kind()), visit.author)
        except _Refusals as error:
            return _shown(visit, text, errors_of(error))
        return done(visit.url("change-windows"), "imported")

    return table


def _kind() -> str:
    return request.form.get("kind", "")


def _in_words(found: dict[str, Any]) -> dict[str, Any]:
    refused = [one | {"place": place_words(one["place"])} for one in found["refused"]]
    return found | {"refused": refused}


def _shown(visit: Visit, text: str, errors: Errors, found: dict[str, Any] | None = None) -> Any:
    """The form, and below it what a file would do."""
    return render(
        "window_import.html",
        visit,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        text=text,
        kind=_kind(),
        errors={"text" if field.startswith("text.") else field: words for field, words in errors.items()},
        found=found,
    )
