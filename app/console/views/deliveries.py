"""Delivery history: of one webhook, and of all of a place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import request

from app.console.delivery_rows import delivery_rows
from app.console.filters import input_moment
from app.console.forms import Errors, errors_of
from app.console.kept import how_long
from app.console.moments import read_moment
from app.console.pages import PageTable, Visit, render
from app.console.replay_filter import CODES, HandedOn, handed_on
from app.core.answer_class import AnswerClass
from app.core.clock import Micros, to_rfc3339
from app.core.errors import InvalidInputError
from app.core.states import DeliveryState
from app.core.whole_numbers import whole_number
from app.delivery.delivery_list import first_received, list_across, list_deliveries
from app.delivery.delivery_walk import DeliveryFilter
from app.security.permissions import Permission
from app.services import Services

_READ = Permission.DELIVERIES_READ
_SHOWN = 50
_NAMES = ("state", "code", "event_type", "since", "until", "q")
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
    filter: DeliveryFilter

    @property
    def is_empty(self) -> bool:
        """Whether everything is wanted."""
        return not any(self.typed.values())


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of rows.

    Args:
        rows: newest first.
        following: where the next one begins, "" = nowhere.
        looked_back_to: how far a search came that was ended there.
        handed: what the form of redelivering many is told; None = there is none.
    """

    rows: list[dict[str, Any]]
    following: str
    looked_back_to: Micros | None
    handed: HandedOn | None = None


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
                connection, webhook, visit.scope, limit=_SHOWN, before_seq=before, wanted=wanted.filter
            )
            rows = delivery_rows(connection, found.rows, visit)
            first = first_received(connection, webhook, visit.scope) if rows else None
        following = "" if found.following is None else str(found.following)
        listed = Listed(rows, following, found.looked_back_to)
        if first is not None:
            oldest = input_moment(to_rfc3339(first), visit.here.zone)
            listed = replace(listed, handed=handed_on(wanted.filter, wanted.typed, oldest))
        return _page(services, visit, wanted, errors, listed, ("webhooks", webhook, "deliveries"), webhook=shown)

    @table.get("deliveries", needs=_READ)
    def of_place(visit: Visit) -> Any:
        wanted, errors = _wanted(visit)
        with services.store.read() as connection:
            found = list_across(connection, visit.scope, limit=_SHOWN, before=_cursor(), wanted=wanted.filter)
            names = {one["id"]: one["name"] for one in _webhooks(services, visit)}
            rows = delivery_rows(connection, found.rows, visit, names)
        following = "" if found.following is None else "{}~{}".format(*found.following)
        listed = Listed(rows, following, found.looked_back_to)
        return _page(services, visit, wanted, errors, listed, ("deliveries",), webhook=None)

    return table


def _webhooks(services: Services, visit: Visit) -> list[dict[str, Any]]:
    place = visit.here
    page = services.webhooks.page(
        visit.scope, limit=200, organization_id=place.organization_id, context_id=place.context_id
    )
    return page.items


def _page(
    services: Services,
    visit: Visit,
    wanted: Wanted,
    errors: Errors,
    listed: Listed,
    parts: tuple[str, ...],
    *,
    webhook: dict[str, Any] | None,
) -> Any:
    older = visit.url(*parts, **wanted.typed, before=listed.following) if listed.following else ""
    newest = visit.url(*parts, **wanted.typed) if request.args.get("before") else ""
    return render(
        "deliveries.html",
        visit,
        webhook=webhook,
        rows=listed.rows,
        looked_back_to=listed.looked_back_to,
        handed=listed.handed,
        wanted=wanted,
        errors=errors,
        states=STATES,
        codes=CODES,
        kept=how_long(services.settings),
        older=older,
        newest=newest,
        here=visit.url(*parts),
    )


def _wanted(visit: Visit) -> tuple[Wanted, Errors]:
    """The filter of the address; what is wrong in it counts as nothing, and is said."""
    typed = {name: request.args.get(name, "").strip()[:200] for name in _NAMES}
    meant = DeliveryFilter(
        state=DeliveryState[typed["state"].upper()] if typed["state"] in dict(STATES[1:]) else None,
        code=AnswerClass(typed["code"]) if typed["code"] in dict(CODES[1:]) else None,
        event_type=typed["event_type"] or None,
        query=typed["q"] or None,
    )
    zone = visit.here.zone
    try:
        since, until = read_moment(typed["since"], zone, "since"), read_moment(typed["until"], zone, "until")
    except InvalidInputError as error:
        return Wanted(typed, meant), errors_of(error)
    return Wanted(typed, replace(meant, since=since, until=until)), {}


def _cursor() -> tuple[int, str] | None:
    text, _, webhook = request.args.get("before", "").partition("~")
    seq = whole_number(text)
    return None if seq is None else (seq, webhook)
