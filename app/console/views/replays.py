"""Redelivering and backfilling many: filter, count, confirm, progress, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import request

from app.console.filters import input_moment
from app.console.forms import Errors, errors_of
from app.console.moments import read_moment
from app.console.pages import PageTable, Visit, done, render
from app.console.replay_filter import CODES, STATES, in_words, narrowed, state_of
from app.console.words import REPLAY
from app.core.clock import DAY, to_rfc3339
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.core.whole_numbers import whole_number
from app.delivery.replaying import LARGEST_RATE
from app.delivery.replays import DEFAULT_RATE, ReplayOrder
from app.security.permissions import Permission
from app.services import Services
from app.store.replays import ReplayKind

_ONE = "webhooks/<webhook>"
_SEND = Permission.DELIVERIES_SEND
_SHOWN = 20
_OF_BOTH = ("since", "until", "per_s")
_OF_REDELIVERY = ("state", "code", "event_type")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two pages."""

    kind: ReplayKind
    path: str
    title: str
    sentence: str


KINDS = {
    "redeliver": Kind(
        ReplayKind.REDELIVER,
        "redeliver",
        "Redeliver many",
        "Finished deliveries become due once more, under the same webhook-id and signed with the present secret.",
    ),
    "backfill": Kind(
        ReplayKind.BACKFILL,
        "backfill",
        "Backfill",
        "Events that came before this webhook wanted them become its deliveries, by its present conditions.",
    ),
}


def replay_pages(services: Services) -> PageTable:
    """The two forms, and the progress of what they start."""
    table = PageTable()
    for kind in KINDS.values():
        _forms(table, services, kind)

    @table.get(f"{_ONE}/replays/<replay>", needs=Permission.DELIVERIES_READ)
    def progress(visit: Visit, webhook: str, replay: str) -> Any:
        found = _one(services, visit, webhook, replay)
        shown = services.webhooks.get(visit.scope, webhook)
        state = REPLAY[found["state"]]
        return render("replay.html", visit, webhook=shown, replay=found, state=state, chosen=in_words(found["filter"]))

    @table.post(f"{_ONE}/replays/<replay>/cancel", needs=_SEND)
    def cancel(visit: Visit, webhook: str, replay: str) -> Any:
        _one(services, visit, webhook, replay)
        services.replays.cancel(visit.scope, replay, by=visit.person.email)
        return done(visit.url("webhooks", webhook, "replays", replay), "cancelled")

    return table


def _forms(table: PageTable, services: Services, kind: Kind) -> None:
    @table.get(f"{_ONE}/{kind.path}", needs=Permission.DELIVERIES_READ)
    def ask(visit: Visit, webhook: str) -> Any:
        if "count" not in request.args:
            return _form(services, visit, webhook, kind)
        try:
            order, _ = _order(visit, kind)
            return _form(services, visit, webhook, kind, count=services.replays.count(visit.scope, webhook, order))
        except InvalidInputError as error:
            return _form(services, visit, webhook, kind, errors=errors_of(error))

    @table.post(f"{_ONE}/{kind.path}", needs=_SEND)
    def start(visit: Visit, webhook: str) -> Any:
        try:
            order, per_s = _order(visit, kind)
            started = services.replays.start(visit.scope, webhook, order, created_by=visit.person.email, per_s=per_s)
        except (InvalidInputError, ConflictError) as error:
            return _form(services, visit, webhook, kind, errors=errors_of(error))
        return done(visit.url("webhooks", webhook, "replays", started["id"]))


def _form(
    services: Services,
    visit: Visit,
    webhook_id: str,
    kind: Kind,
    *,
    count: int | None = None,
    errors: Errors | None = None,
) -> Any:
    shown = services.webhooks.get(visit.scope, webhook_id)
    earlier = services.replays.page(visit.scope, webhook_id, before=None, limit=_SHOWN).items
    sent = request.values
    typed = {name: sent.get(name, "") for name in _OF_BOTH}
    if kind.kind is ReplayKind.REDELIVER:
        typed |= {name: sent.get(name, "") for name in _OF_REDELIVERY}
        typed["state"] = state_of(sent) if state_of(sent) in dict(STATES) else STATES[0][0]
    if request.method == "GET" and "count" not in sent and not typed["since"]:
        typed["since"] = input_moment(to_rfc3339(services.clock() - DAY), visit.here.zone)
    return render(
        "replays.html",
        visit,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        webhook=shown,
        kind=kind,
        typed=typed,
        count=count,
        errors=errors or {},
        replays=earlier,
        words=REPLAY,
        default_rate=DEFAULT_RATE,
        largest_rate=LARGEST_RATE,
        states=STATES,
        codes=CODES,
    )


def _order(visit: Visit, kind: Kind) -> tuple[ReplayOrder, int]:
    sent, zone = request.values, visit.here.zone
    since = read_moment(sent.get("since", ""), zone, "since")
    if since is None:
        raise InvalidInputError("say from when on", field="since")
    rate = whole_number(sent.get("per_s", "").strip() or str(DEFAULT_RATE))
    if rate is None or not 1 <= rate <= LARGEST_RATE:
        raise InvalidInputError(f"must be a whole number from 1 to {LARGEST_RATE}", field="per_s")
    order = ReplayOrder(kind.kind, since, read_moment(sent.get("until", ""), zone, "until"))
    return (narrowed(order, sent) if kind.kind is ReplayKind.REDELIVER else order), rate


def _one(services: Services, visit: Visit, webhook_id: str, replay_id: str) -> dict[str, Any]:
    found = services.replays.get(visit.scope, replay_id)
    if found["webhook_id"] != webhook_id:
        raise NotFoundError("no such replay")
    return found
