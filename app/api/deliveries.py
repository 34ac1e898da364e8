"""``/v1/deliveries`` and ``/v1/ledger``: what happened to every event."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.delivery_view import delivery_view
from app.api.exchange_view import got_response, sent_request
from app.api.moments import Moment, micros
from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.core.answer_class import AnswerClass
from app.core.clock import to_rfc3339
from app.core.errors import ForbiddenError
from app.core.states import DeliveryState
from app.delivery.delivery_list import list_deliveries
from app.delivery.delivery_walk import DeliveryFilter
from app.delivery.history import AttemptView, get_delivery, receipt_of_delivery
from app.delivery.redeliver import redeliver
from app.routing.ledger import ledger_document
from app.security.permissions import Permission
from app.services import Services
from app.store.receipts import ReceiptRow

_READ = Permission.DELIVERIES_READ
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class DeliveryQuery(PageQuery):
    """Which deliveries of a webhook to list.

    ``code`` is the class of the HTTP status that the last attempt got, ``q`` an event id or its start, a delivery id or
    the ``webhook-id`` of a request.
    """

    state: Literal["pending", "sending", "accepted", "delivered", "failed", "skipped", "parked"] | None = None
    code: AnswerClass | None = None
    event_type: _Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    q: _Text | None = None

    @property
    def wanted(self) -> DeliveryFilter:
        """As the use case takes it."""
        state = DeliveryState[self.state.upper()] if self.state else None
        return DeliveryFilter(state, self.code, self.event_type, micros(self.since), micros(self.until), self.q)


def delivery_routes(services: Services) -> RouteTable:
    """Routes of deliveries and the ledger."""
    table = RouteTable()
    store = services.store

    @table.add(
        "GET",
        "/v1/webhooks/<webhook>/deliveries",
        access=_READ,
        summary="List a webhook's deliveries, newest first",
        query=DeliveryQuery,
    )
    def list_all(call: Call, webhook: str) -> dict[str, Any]:
        query: DeliveryQuery = call.query
        services.webhooks.get(call.scope, webhook)
        with store.read() as connection:
            found = list_deliveries(
                connection, webhook, call.scope, limit=query.limit, before_seq=query.number_after, wanted=query.wanted
            )
        return page([delivery_view(row) for row in found.rows], found.following)

    @table.add("GET", "/v1/deliveries/<delivery>", access=_READ, summary="Show a delivery with every attempt")
    def get(call: Call, delivery: str) -> dict[str, Any]:
        with store.read() as connection:
            row, attempts = get_delivery(connection, delivery, call.scope)
            receipt = receipt_of_delivery(connection, row)
        return {
            **delivery_view(row),
            "confirmation": _confirmation(receipt),
            "attempts": [_attempt(one) for one in attempts],
        }

    @table.add(
        "POST",
        "/v1/deliveries/<delivery>/redeliver",
        access=Permission.DELIVERIES_SEND,
        summary="Deliver once more, under the same message id",
        status=HTTPStatus.ACCEPTED,
    )
    def send_again(call: Call, delivery: str) -> dict[str, Any]:
        with store.write() as connection:
            partition = redeliver(connection, delivery, call.scope, services.clock())
        services.doorbell.ring([partition])
        return {"id": delivery, "state": DeliveryState.PENDING.label}

    @table.add("GET", "/v1/ledger", access=_READ, summary="Reconcile what was accepted with what was delivered")
    def ledger(call: Call) -> dict[str, Any]:
        if call.scope.context_id is not None:
            raise ForbiddenError("the ledger belongs to an organization; this key is bound to one context")
        return ledger_document(store, call.scope.organization_id)

    return table


def _confirmation(receipt: ReceiptRow | None) -> dict[str, Any] | None:
    """The receipt of an accepted delivery: when its receiver is asked next, and why the last time brought no word.

    ``receipt`` None = its receiver cannot be asked about it any more; it goes on as an expired one.
    """
    if receipt is None:
        return None
    return {
        "receipt": receipt.receipt,
        "channel": receipt.channel,
        "accepted_at": to_rfc3339(receipt.accepted_at),
        "next_poll_at": to_rfc3339(receipt.poll_at),
        "expires_at": to_rfc3339(receipt.expires_at),
        "reason": receipt.trouble,
    }


def _attempt(attempt: AttemptView) -> dict[str, Any]:
    return {
        "n": attempt.n,
        "cause": attempt.cause.label,
        "started_at": to_rfc3339(attempt.started_at),
        "duration_ms": None if attempt.duration_us is None else attempt.duration_us / 1000,
        "outcome": attempt.outcome.label,
        "detail": attempt.detail,
        "request": sent_request(attempt.request),
        "response": got_response(attempt.response),
        "error": {"class": attempt.error_class, "detail": attempt.detail} if attempt.error_class else None,
        "peer": attempt.peer,
        "tls_version": attempt.tls_version,
        "timings": {f"{phase}_ms": micros_spent / 1000 for phase, micros_spent in attempt.timings.items()},
    }
