"""Reading back batches: why and when each closed, what it held, and the requests it became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from app.core.clock import Micros
from app.core.errors import NotFoundError
from app.core.states import DeliveryState
from app.delivery.delivery_list import DeliveryRow, batch_members
from app.security.scope import Scope
from app.store.tables import attempts, batch_requests, batches, deliveries, exchanges, webhook_health, webhooks


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One closed batch. ``next_attempt_at`` None = nothing of it is left to send, or it is being sent."""

    number: int
    id: str
    webhook_id: str
    closed_at: Micros
    close_reason: str
    event_count: int
    byte_count: int
    attempt_count: int
    next_attempt_at: Micros | None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request of a batch. ``verdict`` is what the sink made of the answer, or why none came."""

    number: int
    message_id: str
    started_at: Micros
    event_count: int
    status: int | None
    verdict: str
    detail: str | None
    peer: str
    duration_us: int


_BATCHES = (
    select(
        batches.c.pk,
        batches.c.id,
        webhooks.c.id.label("webhook_id"),
        batches.c.closed_at,
        batches.c.close_reason,
        batches.c.event_count,
        batches.c.byte_count,
        batches.c.attempt_count,
        case((batches.c.lease_token.is_(None), batches.c.due_at)).label("due_at"),
        webhook_health.c.held_until,
    )
    .join(webhooks, webhooks.c.pk == batches.c.webhook_pk)
    .outerjoin(webhook_health, webhook_health.c.webhook_pk == webhooks.c.pk)
)


def list_batches(
    connection: Connection, webhook_id: str, scope: Scope, *, limit: int, before: int | None = None
) -> list[BatchRow]:
    """The batches of a webhook, newest first; ``before`` is the number to go on from."""
    statement = _BATCHES.where(*scope.within(webhooks), webhooks.c.id == webhook_id)
    if before is not None:
        statement = statement.where(batches.c.pk < before)
    rows = connection.execute(statement.order_by(batches.c.pk.desc()).limit(limit))
    return [_batch(row) for row in rows]


def get_batch(connection: Connection, batch_id: str, scope: Scope) -> BatchRow:
    """One batch.

    Raises:
        NotFoundError: there is none of this id in scope.
    """
    row = connection.execute(_BATCHES.where(*scope.within(webhooks), batches.c.id == batch_id)).one_or_none()
    if row is None:
        raise NotFoundError("no such batch")
    return _batch(row)


def _batch(row: Any) -> BatchRow:
    # What is due at once could be sent since it was closed, unless its webhook is held back.
    due = None if row.due_at is None else max(row.due_at, row.closed_at, row.held_until or 0)
    return BatchRow(
        row.pk,
        row.id,
        row.webhook_id,
        row.closed_at,
        row.close_reason,
        row.event_count,
        row.byte_count,
        row.attempt_count,
        due,
    )


def member_states(connection: Connection, batch: BatchRow) -> dict[str, int]:
    """How many members are in each state, and ``left``: those that were redelivered and so left the batch."""
    by_state = select(deliveries.c.state, func.count()).where(deliveries.c.batch_pk == batch.number)
    counts = dict.fromkeys((state.label for state in DeliveryState), 0)
    for state, number in connection.execute(by_state.group_by(deliveries.c.state)):
        counts[DeliveryState(state).label] = number
    return counts | {"left": batch.event_count - sum(counts.values())}


def list_members(connection: Connection, batch: BatchRow, *, limit: int, after: int = 0) -> list[DeliveryRow]:
    """The members of a batch in ledger order; ``after`` is the event number to go on from."""
    return batch_members(connection, batch.number, limit=limit, after_seq=after)


def list_requests(
    connection: Connection, batch: BatchRow, *, limit: int, before: int | None = None
) -> list[BatchRequest]:
    """The requests that a batch became, newest first; ``before`` is the number to go on from."""
    statement = (
        select(
            batch_requests.c.exchange_id,
            exchanges.c.message_id,
            exchanges.c.started_at,
            batch_requests.c.event_count,
            batch_requests.c.status,
            batch_requests.c.verdict,
            batch_requests.c.detail,
            exchanges.c.peer,
            exchanges.c.total_us,
        )
        .join(exchanges, exchanges.c.id == batch_requests.c.exchange_id)
        .where(batch_requests.c.batch_pk == batch.number)
    )
    if before is not None:
        statement = statement.where(batch_requests.c.exchange_id < before)
    rows: Any = connection.execute(statement.order_by(batch_requests.c.exchange_id.desc()).limit(limit))
    return [BatchRequest(*row) for row in rows]


def attempts_by_request(
    connection: Connection, batch: BatchRow, members: Sequence[DeliveryRow], requests: Sequence[BatchRequest]
) -> dict[int, tuple[DeliveryRow, int]]:
    """By a request's number: the first of these members that it carried, and which of its attempts that was.

    Args:
        connection: the database.
        batch: whose they are.
        members: in ledger order.
        requests: in any order.
    """
    by_event = {member.event_seq: member for member in members}
    statement = select(attempts.c.exchange_id, attempts.c.event_seq, attempts.c.n).where(
        attempts.c.webhook_pk == select(batches.c.webhook_pk).where(batches.c.pk == batch.number).scalar_subquery(),
        attempts.c.event_seq.in_(by_event),
        attempts.c.exchange_id.in_([request.number for request in requests]),
    )
    found: dict[int, tuple[DeliveryRow, int]] = {}
    for row in connection.execute(statement.order_by(attempts.c.event_seq)):
        found.setdefault(row.exchange_id, (by_event[row.event_seq], row.n))
    return found
