"""Reading back what happened: deliveries, their attempts, and the exact bytes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from app.core.clock import Micros
from app.core.errors import NotFoundError
from app.core.ids import parse_delivery_id
from app.core.states import AttemptCause, AttemptOutcome, DeliveryState
from app.core.whole_numbers import HIGHEST
from app.delivery.answers import parse_head
from app.delivery.runtime import timestamp_of
from app.security.scope import Scope
from app.store.receipts import ReceiptRow, receipt_of
from app.store.tables import attempts, batches, contents, deliveries, events, exchanges, webhook_health, webhooks

ACROSS = 200
"""Webhooks whose deliveries one list can hold."""
EXPIRED = b""
"""Stands for bytes whose retention is over."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery in a list. ``webhook_id`` and ``event_seq`` make its public id."""

    webhook_id: str
    event_seq: int
    event_id: str
    event_type: str
    state: DeliveryState
    attempt_count: int
    next_attempt_at: Micros | None
    batch_id: str | None
    reason: str | None
    received_at: Micros
    next_attempt_cause: AttemptCause | None
    """Why the next attempt is made; None = none is planned."""


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
class LastAttempt:
    """The latest attempt of a delivery, for a list. ``status`` None = no HTTP answer came."""

    status: int | None
    error_class: str | None
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt with everything that is known of it. ``timings`` are microseconds by phase."""

    n: int
    cause: AttemptCause
    started_at: Micros
    duration_us: int | None
    outcome: AttemptOutcome
    request: SentRequest | None
    response: GotResponse | None
    error_class: str | None
    detail: str | None
    peer: str | None
    tls_version: str | None
    timings: dict[str, int]


_LIST = (
    select(
        webhooks.c.id.label("webhook_id"),
        deliveries.c.event_seq,
        events.c.id.label("event_id"),
        events.c.type.label("event_type"),
        deliveries.c.state,
        deliveries.c.attempt_count,
        func.coalesce(deliveries.c.due_at, batches.c.due_at).label("due_at"),
        batches.c.id.label("batch_id"),
        deliveries.c.reason,
        deliveries.c.cause,
        events.c.received_at,
        webhook_health.c.held_until,
    )
    .join(webhooks, webhooks.c.pk == deliveries.c.webhook_pk)
    .join(events, events.c.seq == deliveries.c.event_seq)
    .outerjoin(batches, batches.c.pk == deliveries.c.batch_pk)
    .outerjoin(webhook_health, webhook_health.c.webhook_pk == deliveries.c.webhook_pk)
)


def list_deliveries(
    connection: Connection,
    webhook_id: str,
    scope: Scope,
    *,
    limit: int,
    before_seq: int | None = None,
    state: DeliveryState | None = None,
    event_type: str | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    query: str | None = None,
) -> list[DeliveryRow]:
    """Deliveries of one webhook, newest first; ``before_seq`` is the cursor, ``query`` the start of an event id."""
    conditions = {
        deliveries.c.event_seq.__lt__: before_seq,
        deliveries.c.state.__eq__: state,
        events.c.type.__eq__: event_type,
        events.c.received_at.__ge__: since,
        events.c.received_at.__lt__: until,
    }
    statement = _LIST.where(*scope.within(webhooks), webhooks.c.id == webhook_id)
    for compare, value in conditions.items():
        if value is not None:
            statement = statement.where(compare(value))
    if query:
        statement = statement.where(events.c.id.startswith(query, autoescape=True))
    rows = connection.execute(statement.order_by(deliveries.c.event_seq.desc()).limit(limit))
    return [_row(row) for row in rows]


def list_across(
    connection: Connection,
    scope: Scope,
    *,
    limit: int,
    before: tuple[int, str] | None = None,
    state: DeliveryState | None = None,
    event_type: str | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    query: str | None = None,
) -> list[DeliveryRow]:
    """Deliveries of every webhook in scope, newest first; ``before`` is the event number and webhook to go on from.

    Each webhook gives its newest ones from its own index, and the newest of them all are answered: what a page costs
    depends on the number of webhooks (at most :data:`ACROSS`, the newest), never on that of deliveries.
    """
    mine = select(webhooks.c.pk, webhooks.c.id).where(*scope.within(webhooks), webhooks.c.deleted_at.is_(None))
    found: list[DeliveryRow] = []
    for webhook in connection.execute(mine.order_by(webhooks.c.pk.desc()).limit(ACROSS)).all():
        seq = None if before is None else min(before[0] + (webhook.id > before[1]), HIGHEST)
        found += list_deliveries(
            connection,
            webhook.id,
            scope,
            limit=limit,
            before_seq=seq,
            state=state,
            event_type=event_type,
            since=since,
            until=until,
            query=query,
        )
    return sorted(found, key=lambda row: (-row.event_seq, row.webhook_id))[:limit]


def last_attempts(connection: Connection, rows: Sequence[DeliveryRow]) -> dict[tuple[str, int], LastAttempt]:
    """The latest attempt of each of these deliveries of one page, by webhook and event number."""
    found: dict[tuple[str, int], LastAttempt] = {}
    of_webhook: dict[str, list[DeliveryRow]] = {}
    for row in rows:
        if row.attempt_count:
            of_webhook.setdefault(row.webhook_id, []).append(row)
    for webhook_id, mine in of_webhook.items():
        numbers = [row.event_seq for row in mine]
        statement = (
            select(attempts.c.event_seq, attempts.c.status, attempts.c.error_class, exchanges.c.total_us)
            .join(webhooks, webhooks.c.pk == attempts.c.webhook_pk)
            .outerjoin(exchanges, exchanges.c.id == attempts.c.exchange_id)
            .where(webhooks.c.id == webhook_id, attempts.c.event_seq.in_(numbers))
            .order_by(attempts.c.event_seq, attempts.c.n)
        )
        for one in connection.execute(statement):
            found[webhook_id, one.event_seq] = LastAttempt(one.status, one.error_class, one.total_us)
    return found


def batch_members(connection: Connection, batch_pk: int, *, limit: int, after_seq: int) -> list[DeliveryRow]:
    """The members of one batch, in ledger order. The caller has found the batch within its scope."""
    statement = _LIST.where(deliveries.c.batch_pk == batch_pk, deliveries.c.event_seq > after_seq)
    return [_row(row) for row in connection.execute(statement.order_by(deliveries.c.event_seq).limit(limit))]


def get_delivery(connection: Connection, public_id: str, scope: Scope) -> tuple[DeliveryRow, list[AttemptView]]:
    """One delivery and its attempts, oldest first.

    Raises:
        NotFoundError: there is none of this id in scope.
    """
    webhook_id, event_seq = parse_delivery_id(public_id)
    statement = _LIST.where(*scope.within(webhooks), webhooks.c.id == webhook_id, deliveries.c.event_seq == event_seq)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError("no such delivery")
    return _row(row), _attempts(connection, webhook_id, event_seq)


def receipt_of_delivery(connection: Connection, row: DeliveryRow) -> ReceiptRow | None:
    """The receipt that an accepted delivery waits with; None in every other state."""
    if row.state is not DeliveryState.ACCEPTED:
        return None
    found = connection.execute(select(webhooks.c.pk).where(webhooks.c.id == row.webhook_id)).scalar_one()
    return receipt_of(connection, found, row.event_seq, row.attempt_count)


def _row(row: Any) -> DeliveryRow:
    state = DeliveryState(row.state)
    due = None
    if state is DeliveryState.PENDING and row.due_at is not None:
        # What is due at once could be sent since it was received, unless its webhook is held back.
        due = max(row.due_at, row.received_at, row.held_until or 0)
    return DeliveryRow(
        row.webhook_id,
        row.event_seq,
        row.event_id,
        row.event_type,
        state,
        row.attempt_count,
        due,
        row.batch_id,
        row.reason,
        row.received_at,
        None if due is None else AttemptCause(row.cause),
    )


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
        request=request,
        response=response,
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
