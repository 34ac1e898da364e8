"""Delivery history: of one webhook, and of all of a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

from app.console.delivery_rows import delivery_rows
from app.console.forms import Errors, errors_of
from app.console.moments import read_moment
from app.console.pages import PageTable, Visit, render
from app.core.clock import Micros
from app.core.errors import InvalidInputError
from app.core.states import DeliveryState
from app.core.whole_numbers import whole_number
from app.delivery.history import DeliveryRow, list_across, list_deliveries
from app.security.permissions import Permission
from app.services import Services

_READ = Permission.DELIVERIES_READ
_SHOWN = 50
_NAMES = ("state", "event_type", "since", "until", "q")
STATES = (
    ("", "Any status"),
    ("pending", "Pending or retrying"),
    ("sending", "Sending"),
    ("accepted", "Accepted, not confirmed yet"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
    ("parked", "Blocked"),
    ("skipped", "Skipped"),
)
"""What the filter offers, in the words of the page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter as it was typed, and as the use case takes it."""

    typed: dict[str, str]
    state: DeliveryState | None = None
    since: Micros | None = None
    until: Micros | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is wanted."""
        return not any(self.typed.values())

    def conditions(self) -> dict[str, Any]:
        """As the queries name them."""
        return {
            "state": self.state,
            "event_type": self.typed["event_type"] or None,
            "since": self.since,
            "until": self.until,
            "query": self.typed["q"] or None,
        }


def delivery_list_pages(services: Services) -> PageTable:
    """Lists of deliveries."""
    table = PageTable()

    @table.get("webhooks/<webhook>/deliveries", needs=_READ)
    def of_webhook(visit: Visit, webhook: str) -> Any:
        shown = services.webhooks.get(visit.scope, webhook)
        wanted, errors = _wanted(visit)
        before = whole_number(request.args.get("before", ""))
        with services.store.read() as connection:
            found = list_deliveries(
                connection, webhook, visit.scope, limit=_SHOWN + 1, before_seq=before, **wanted.conditions()
            )
            rows = delivery_rows(connection, found[:_SHOWN], visit)
        following = str(found[_SHOWN - 1].event_seq) if len(found) > _SHOWN else ""
        return _page(visit, wanted, errors, rows, following, ("webhooks", webhook, "deliveries"), webhook=shown)

    @table.get("deliveries", needs=_READ)
    def of_place(visit: Visit) -> Any:
        wanted, errors = _wanted(visit)
        with services.store.read() as connection:
            found = list_across(connection, visit.scope, limit=_SHOWN + 1, before=_cursor(), **wanted.conditions())
            names = {one["id"]: one["name"] for one in _webhooks(services, visit)}
            rows = delivery_rows(connection, found[:_SHOWN], visit, names)
        following = _text(found[_SHOWN - 1]) if len(found) > _SHOWN else ""
        return _page(visit, wanted, errors, rows, following, ("deliveries",), webhook=None)

    return table


def _webhooks(services: Services, visit: Visit) -> list[dict[str, Any]]:
    place = visit.here
    page = services.webhooks.page(
        visit.scope, limit=200, organization_id=place.organization_id, context_id=place.context_id
    )
    return page.items


def _page(
    visit: Visit,
    wanted: Wanted,
    errors: Errors,
    rows: list[dict[str, Any]],
    following: str,
    parts: tuple[str, ...],
    *,
    webhook: dict[str, Any] | None,
) -> Any:
    older = visit.url(*parts, **wanted.typed, before=following) if following else ""
    newest = visit.url(*parts, **wanted.typed) if request.args.get("before") else ""
    return render(
        "deliveries.html",
        visit,
        webhook=webhook,
        rows=rows,
        wanted=wanted,
        errors=errors,
        states=STATES,
        older=older,
        newest=newest,
        here=visit.url(*parts),
    )


def _wanted(visit: Visit) -> tuple[Wanted, Errors]:
    """The filter of the address; what is wrong in it counts as nothing, and is said."""
    typed = {name: request.args.get(name, "").strip()[:200] for name in _NAMES}
    state = DeliveryState[typed["state"].upper()] if typed["state"] in dict(STATES[1:]) else None
    zone = visit.here.zone
    try:
        return Wanted(
            typed, state, read_moment(typed["since"], zone, "since"), read_moment(typed["until"], zone, "until")
        ), {}
    except InvalidInputError as error:
        return Wanted(typed, state), errors_of(error)


def _cursor() -> tuple[int, str] | None:
    text, _, webhook = request.args.get("before", "").partition("~")
    seq = whole_number(text)
    return None if seq is None else (seq, webhook)


def _text(row: DeliveryRow) -> str:
    return f"{row.event_seq}~{row.webhook_id}"
