"""Redelivering and backfilling many: ``/v1/webhooks/{id}/redeliver``, ``/backfill`` and ``/v1/replays``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.moments import Moment, micros
from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.core.answer_class import AnswerClass
from app.core.clock import Micros
from app.core.states import DeliveryState
from app.delivery.replaying import LARGEST_RATE
from app.delivery.replays import DEFAULT_RATE, ReplayOrder
from app.security.permissions import Permission
from app.services import Services
from app.store.replays import ReplayKind

_ONE = "/v1/webhooks/<webhook>"
_SEND = Permission.DELIVERIES_SEND


class Backfill(BaseModel):
    """Deliver events that came before the webhook did. ``since`` and ``until`` bound the time of receipt."""

    model_config = ConfigDict(extra="forbid")
    since: Moment
    until: Moment | None = None
    dry_run: bool = False
    per_s: Annotated[int, Field(ge=1, le=LARGEST_RATE)] = DEFAULT_RATE

    def order(self) -> ReplayOrder:
        """The order as the service takes it."""
        return ReplayOrder(ReplayKind.BACKFILL, *self.bounds())

    def bounds(self) -> tuple[Micros, Micros | None]:
        """The time that is meant."""
        return micros(self.since) or 0, micros(self.until)


class Redelivery(Backfill):
    """Deliver finished deliveries once more. ``code`` is the class of the HTTP status that the last attempt got."""

    state: Literal["delivered", "failed", "skipped", "parked"] | None = None
    code: AnswerClass | None = None
    event_type: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def order(self) -> ReplayOrder:
        """The order as the service takes it."""
        state = DeliveryState[self.state.upper()] if self.state else None
        return ReplayOrder(ReplayKind.REDELIVER, *self.bounds(), state, self.code, self.event_type)


def replay_routes(services: Services) -> RouteTable:
    """Routes of replays."""
    table = RouteTable()
    replays = services.replays

    @table.add(
        "POST",
        f"{_ONE}/redeliver",
        access=_SEND,
        summary="Deliver many once more: count them, or start a replay",
        status=HTTPStatus.ACCEPTED,
        body=Redelivery,
    )
    def redeliver(call: Call, webhook: str) -> dict[str, Any]:
        return order(call, webhook)

    @table.add(
        "POST",
        f"{_ONE}/backfill",
        access=_SEND,
        summary="Deliver earlier events that the webhook would get now: count them, or start a replay",
        status=HTTPStatus.ACCEPTED,
        body=Backfill,
    )
    def backfill(call: Call, webhook: str) -> dict[str, Any]:
        return order(call, webhook)

    def order(call: Call, webhook: str) -> dict[str, Any]:
        wanted: Backfill = call.body
        if wanted.dry_run:
            return {"count": replays.count(call.scope, webhook, wanted.order())}
        by = call.principal.id
        return replays.start(call.scope, webhook, wanted.order(), created_by=by, per_s=wanted.per_s)

    @table.add(
        "GET",
        f"{_ONE}/replays",
        access=Permission.DELIVERIES_READ,
        summary="List a webhook's replays, newest first",
        query=PageQuery,
    )
    def list_all(call: Call, webhook: str) -> dict[str, Any]:
        query: PageQuery = call.query
        found = replays.page(call.scope, webhook, before=query.number_after, limit=query.limit)
        return page(found.items, found.next)

    @table.add("GET", "/v1/replays/<replay>", access=Permission.DELIVERIES_READ, summary="Show a replay's progress")
    def get(call: Call, replay: str) -> dict[str, Any]:
        return replays.get(call.scope, replay)

    @table.add(
        "POST", "/v1/replays/<replay>/cancel", access=_SEND, summary="Stop a replay; what is due already is delivered"
    )
    def cancel(call: Call, replay: str) -> dict[str, Any]:
        return replays.cancel(call.scope, replay, by=call.principal.id)

    return table
