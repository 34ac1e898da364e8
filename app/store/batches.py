"""Closing batches: buffered deliveries of a batch webhook become the fixed members of one batch."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from app.core.clock import Micros
from app.core.states import DeliveryState
from app.store.tables import batches, deliveries


def buffered_count(connection: Connection, webhook_pk: int, up_to: int) -> int:
    """How many deliveries wait in the buffer, counted no further than ``up_to``."""
    buffered = select(1).where(*_buffered(webhook_pk)).limit(up_to).subquery()
    return int(connection.execute(select(func.count()).select_from(buffered)).scalar_one())


def close_batch(
    connection: Connection, webhook_pk: int, batch_id: str, now: Micros, *, max_events: int, reason: str
) -> int:
    """Close one batch of the oldest buffered deliveries, due at once; answers how many members it has."""
    members = connection.execute(
        select(deliveries.c.event_seq)
        .where(*_buffered(webhook_pk))
        .order_by(deliveries.c.due_at, deliveries.c.event_seq)
        .limit(max_events)
    ).scalars()
    sequence = list(members)
    if not sequence:
        return 0
    pk = connection.execute(
        insert(batches)
        .values(
            id=batch_id,
            webhook_pk=webhook_pk,
            due_at=now,
            attempt_count=0,
            closed_at=now,
            close_reason=reason,
            event_count=len(sequence),
        )
        .returning(batches.c.pk)
    ).scalar_one()
    for start in range(0, len(sequence), 500):
        connection.execute(
            update(deliveries)
            .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.event_seq.in_(sequence[start : start + 500]))
            .values(batch_pk=pk, due_at=None)
        )
    return len(sequence)


def _buffered(webhook_pk: int) -> tuple[ColumnElement[bool], ...]:
    return (
        deliveries.c.webhook_pk == webhook_pk,
        deliveries.c.due_at.is_not(None),
        deliveries.c.state == DeliveryState.PENDING,
    )
