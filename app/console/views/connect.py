"""Connecting a service: a key, the address and the header to paste, and a page that notices the first event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.forms import Errors, errors_of
from app.console.own_address import own_address
from app.console.pages import At, PageTable, Visit, render
from app.core.errors import ForbiddenError, InvalidInputError
from app.core.radius import RADIUS_TYPES
from app.core.whole_numbers import whole_number
from app.routing.event_history import EventFilter
from app.routing.keys import NewKey
from app.security.permissions import Permission
from app.services import Services


def connect_pages(services: Services) -> PageTable:
    """The steps from nothing to a first event."""
    table = PageTable()

    def shown(visit: Visit, errors: Errors, key: str = "") -> Any:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
        since = services.clock()
        return render(
            "connect.html",
            visit,
            status=status,
            errors=errors,
            typed=request.form,
            key=key,
            address=f"{own_address(services.settings, request)}/v1/events",
            waiting=visit.url("connect", "waiting", since=since),
            arrived=None,
        )

    @table.get("connect", needs=Permission.KEYS_WRITE, at=At.ORGANIZATION)
    def connect(visit: Visit) -> Any:
        return shown(visit, {})

    @table.post("connect", needs=Permission.KEYS_WRITE, at=At.ORGANIZATION)
    def make_sending_key(visit: Visit) -> Any:
        try:
            new = NewKey.model_validate({"name": request.form.get("name", ""), "role": "ingest"})
            made = services.keys.create(visit.caller, visit.here.organization_id, new)
        except (ValidationError, InvalidInputError) as error:
            return shown(visit, errors_of(error))
        except ForbiddenError as error:
            return shown(visit, {"": str(error)})
        return shown(visit, {}, str(made["key"]))

    @table.get("connect/waiting", needs=Permission.EVENTS_READ, at=At.ORGANIZATION)
    def waiting(visit: Visit) -> Any:
        since = request.args.get("since", "")
        wanted = EventFilter(since=whole_number(since) or 0)
        change = _newest(services, visit, wanted)
        return render(
            "waiting.html",
            visit,
            arrived=change,
            is_connected=not change and any(_newest(services, visit, one) for one in _radius(wanted)),
            waiting=visit.url("connect", "waiting", since=since),
        )

    return table


def _newest(services: Services, visit: Visit, wanted: EventFilter) -> dict[str, Any] | None:
    found, _ = services.events.page(visit.scope, wanted, before=None, limit=1)
    return found[0] if found else None


def _radius(wanted: EventFilter) -> Iterator[EventFilter]:
    return (replace(wanted, event_type=one) for one in sorted(RADIUS_TYPES))
