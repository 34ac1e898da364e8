"""Reading back what happened to one delivery: its attempts, and the exact bytes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from app.core.clock import Micros
from app.core.errors import NotFoundError
from app.core.ids import parse_delivery_id
from app.core.states import AttemptCause, AttemptOutcome, DeliveryState
from app.delivery.answers import parse_head
from app.delivery.delivery_list import ROWS, DeliveryRow, read_row
from app.delivery.runtime import timestamp_of
from app.security.scope import Scope
from app.store.receipts import ReceiptRow, receipt_of
from app.store.replay_sets import ledger_end
from app.store.tables import attempts, contents, deliveries, events, exchanges, webhooks

EXPIRED = b""
"""Stands for bytes whose retention is over."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it went out, secret header values masked; ``body`` is exact, None when its retention is over."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class GotResponse:
    """A response as it came in; ``body`` is exact up to the cap, None when its retention is over."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    truncated: bool


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt with everything that is known of it. ``timings`` are microseconds by phase."""

    n: int
    cause: AttemptCause
    started_at: Micros
    duration_us: int | None
    outcome: AttemptOutcome
    message_id: str
    """The ``webhook-id`` that it was sent under; "" = none."""
    request: SentRequest | None
    response: GotResponse | None
    bytes_removed: bool
    """Whether a request was sent whose exact bytes retention has removed."""
    error_class: str | None
    detail: str | None
    peer: str | None
    tls_version: str | None
    timings: dict[str, int]


def get_delivery(connection: Connection, public_id: str, scope: Scope) -> tuple[DeliveryRow, list[AttemptView]]:
    """One delivery and its attempts, oldest first.

    Raises:
        NotFoundError: there is none of this id in scope.
    """
    webhook_id, event_seq = parse_delivery_id(public_id)
    this = (*scope.within(webhooks), webhooks.c.id == webhook_id, deliveries.c.event_seq == event_seq)
    row = connection.execute(ROWS.where(*this)).one_or_none()
    if row is None:
        raise NotFoundError("no such delivery")
    return read_row(row), _attempts(connection, webhook_id, event_seq)


def was_removed(connection: Connection, public_id: str, scope: Scope) -> bool:
    """Whether an id in scope, that no delivery has, is one that retention removed: its event was there and is not."""
    webhook_id, event_seq = parse_delivery_id(public_id)
    webhook = select(webhooks.c.pk).where(*scope.within(webhooks), webhooks.c.id == webhook_id)
    event = select(events.c.seq).where(events.c.seq == event_seq)
    if connection.execute(webhook).one_or_none() is None or not 0 < event_seq <= ledger_end(connection):
        return False
    return connection.execute(event).one_or_none() is None


def receipt_of_delivery(connection: Connection, row: DeliveryRow) -> ReceiptRow | None:
    """The receipt that an accepted delivery waits with; None in every other state."""
    if row.state is not DeliveryState.ACCEPTED:
        return None
    found = connection.execute(select(webhooks.c.pk).where(webhooks.c.id == row.webhook_id)).scalar_one()
    return receipt_of(connection, found, row.event_seq, row.attempt_count)


def _attempts(connection: Connection, webhook_id: str, event_seq: int) -> list[AttemptView]:
    rows = connection.execute(
        select(attempts, exchanges)
        .join(webhooks, webhooks.c.pk == attempts.c.webhook_pk)
        .outerjoin(exchanges, exchanges.c.id == attempts.c.exchange_id)
        .where(webhooks.c.id == webhook_id, attempts.c.event_seq == event_seq)
        .order_by(attempts.c.n)
        .limit(1_000)
    ).all()
    stored = _contents(connection, rows)
    event_body = connection.execute(select(events.c.body).where(events.c.seq == event_seq)).scalar_one_or_none()
    return [_attempt(row, stored, event_body) for row in rows]


def _contents(connection: Connection, rows: Sequence[Any]) -> dict[bytes, bytes]:
    wanted = {
        digest
        for row in rows
        for digest in (row.request_head, row.request_body, row.response_head, row.response_body)
        if digest is not None
    }
    found = connection.execute(select(contents.c.digest, contents.c.body).where(contents.c.digest.in_(wanted)))
    return {row.digest: row.body for row in found}


def _attempt(row: Any, stored: dict[bytes, bytes], event_body: bytes | None) -> AttemptView:
    request = response = None
    timings: dict[str, int] = {}
    if row.id is not None:
        body = event_body if row.request_body is None else stored.get(row.request_body)
        request = _request(row, stored.get(row.request_head), body)
        timings = {
            "dns": row.dns_us,
            "connect": row.connect_us,
            "tls": row.tls_us,
            "first_byte": row.first_byte_us,
            "total": row.total_us,
        }
        if row.response_head is not None:
            response = _response(row, stored)
    return AttemptView(
        n=row.n,
        cause=AttemptCause(row.cause),
        started_at=row.started_at,
        duration_us=timings.get("total"),
        outcome=AttemptOutcome(row.outcome),
        message_id=row.message_id if row.id is not None and row.signature else "",
        request=request,
        response=response,
        bytes_removed=row.id is not None and request is None,
        error_class=row.error_class,
        detail=row.detail,
        peer=row.peer,
        tls_version=row.tls_version,
        timings=timings,
    )


def _request(row: Any, head: bytes | None, body: bytes | None) -> SentRequest | None:
    if head is None:
        return None
    fixed = orjson.loads(head)
    headers = tuple((name, value) for name, value in fixed["headers"])
    if row.signature:
        headers += (
            ("webhook-id", row.message_id),
            ("webhook-timestamp", str(timestamp_of(row.started_at_1))),
            ("webhook-signature", row.signature),
        )
    return SentRequest(fixed["method"], fixed["url"], headers, body)


def _response(row: Any, stored: dict[bytes, bytes]) -> GotResponse:
    head = stored.get(row.response_head, EXPIRED)
    body = b"" if row.response_body is None else stored.get(row.response_body)
    return GotResponse(row.status or 0, tuple(parse_head(head).items()), body, row.truncated)
