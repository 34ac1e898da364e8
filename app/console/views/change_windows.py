"""Change windows: the week as a picture, what opens next, and saying a window."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.pages import At, PageTable, Visit, done, render
from app.console.week import Span, Week, micros, week_around, week_picture
from app.console.window_form import LOCAL, WEEKDAYS, errors_in_form, typed_of, window_of
from app.core.errors import ConflictError, InvalidInputError
from app.routing.change_windows import ChangeWindowInput
from app.routing.event_history import EventFilter
from app.security.permissions import Permission
from app.services import Services

SENSITIVE = 3
"""From here on a change outside the windows is marked in the picture."""
_MARKS = 200
_WEBHOOKS = 200
"""Webhooks that are looked at for those that hear of changes outside alone."""
_COVERED: dict[str, Any] = {"contexts": None, "tags": None, "actors": None}


def change_window_pages(services: Services) -> PageTable:
    """Pages of the organization's change windows."""
    table = PageTable()
    windows = services.change_windows

    @table.get("change-windows", needs=Permission.POLICIES_READ)
    def change_windows(visit: Visit) -> Any:
        here = visit.here
        found = windows.all(visit.scope, here.organization_id)
        openings = services.window_trials.openings_of_all(visit.scope, here.organization_id)
        rows = [
            _COVERED | one | {"openings": openings.get(one["name"], [])}
            for one in found
            if _covers(one.get("contexts"), here.context_id)
        ]
        webhooks = services.webhooks.page(
            visit.scope, limit=_WEBHOOKS, organization_id=here.organization_id, context_id=here.context_id
        ).items
        return render(
            "change_windows.html",
            visit,
            rows=rows,
            week=_week(services, visit) if rows else None,
            listeners=[one for one in webhooks if one["only_outside_change_windows"]],
        )

    @table.get("change-windows/new", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def new_window(visit: Visit) -> Any:
        return _form(visit, None, {"kind": "allow", "weekdays": []}, {})

    @table.post("change-windows/new", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def create_window(visit: Visit) -> Any:
        return _save(services, visit, None)

    @table.get("change-windows/<window>", needs=Permission.POLICIES_READ, at=At.ORGANIZATION)
    def change_window(visit: Visit, window: str) -> Any:
        stored = windows.get(visit.scope, visit.here.organization_id, window)
        return _form(visit, stored, typed_of(stored, visit.here.zone), {})

    @table.post("change-windows/<window>", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def replace_window(visit: Visit, window: str) -> Any:
        return _save(services, visit, windows.get(visit.scope, visit.here.organization_id, window))

    @table.post("change-windows/<window>/delete", needs=Permission.POLICIES_WRITE, at=At.ORGANIZATION)
    def delete_window(visit: Visit, window: str) -> Any:
        windows.delete(visit.scope, visit.here.organization_id, window, visit.author)
        return done(visit.url("change-windows"), "removed")

    return table


def _week(services: Services, visit: Visit) -> Week:
    place = visit.here
    bounds = week_around(services.clock(), place.zone)
    since, until = micros(bounds[0]), micros(bounds[1])
    spans = [
        Span(window.name, window.kind, opening.starts_at, until if opening.ends_at is None else opening.ends_at)
        for window, opening in services.window_trials.stretches(visit.scope, place.organization_id, since, until)
        if _covers(window.contexts, place.context_id)
    ]
    wanted = EventFilter(sensitivity_min=SENSITIVE, outside_window=True, since=since, until=until)
    outside, more = services.events.page(visit.scope, wanted, before=None, limit=_MARKS)
    return week_picture(bounds, spans, outside, place.zone, is_more=more is not None)


def _covers(contexts: Collection[str] | None, context_id: str | None) -> bool:
    """Whether a window counts at a place; one that names no context counts everywhere."""
    return context_id is None or not contexts or context_id in contexts


def _save(services: Services, visit: Visit, stored: dict[str, Any] | None) -> Any:
    windows, organization = services.change_windows, visit.here.organization_id
    weekdays = request.form.getlist("weekdays")
    try:
        wanted = ChangeWindowInput.model_validate(window_of(request.form, weekdays, visit.here.zone))
        if stored is None:
            windows.create(visit.scope, organization, wanted, visit.author)
        else:
            windows.replace(visit.scope, organization, stored["id"], wanted, visit.author)
    except (ValidationError, InvalidInputError, ConflictError) as error:
        errors = errors_in_form(errors_of(error), request.form)
        return _form(visit, stored, request.form.to_dict() | {"weekdays": weekdays}, errors)
    return done(visit.url("change-windows"), "saved")


def _form(visit: Visit, stored: dict[str, Any] | None, typed: dict[str, Any], errors: Errors) -> Any:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return render(
        "change_window.html",
        visit,
        status=status,
        stored=stored,
        typed=typed,
        errors=errors,
        weekdays=WEEKDAYS,
        local=LOCAL,
    )
