"""Closing batches: buffered deliveries of a batch webhook become the fixed members of one batch."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, insert, literal, select, update

from app.core.clock import Micros
from app.core.states import DeliveryState, Mode
from app.store.tables import batches, deliveries, webhooks


def batch_webhooks(connection: Connection, held: Collection[int]) -> list[tuple[int, int]]:
    """``(webhook_pk, batch_max_events)`` of the enabled batch webhooks in these partitions."""
    rows = connection.execute(
        select(webhooks.c.pk, webhooks.c.batch_max_events).where(
            webhooks.c.partition.in_(sorted(held)), webhooks.c.mode == Mode.BATCH, webhooks.c.state == "enabled"
        )
    )
    return [(row.pk, row.batch_max_events) for row in rows]


def buffered_count(connection: Connection, webhook_pk: int, up_to: int, *, due_by: Micros | None = None) -> int:
    """How many deliveries wait in the buffer (``due_by``: those old enough by then), counted to ``up_to``."""
    statement = select(literal(1)).select_from(deliveries).where(*_buffered(webhook_pk))
    if due_by is not None:
        statement = statement.where(deliveries.c.due_at <= due_by)
    buffered = statement.limit(up_to).subquery()
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
    # Every due time is above 0. Said as a range, it leads SQLite to the due index; IS NOT NULL left it to walk the
    # webhook's whole history by primary key.
    return (
        deliveries.c.webhook_pk == webhook_pk,
        deliveries.c.due_at > 0,
        deliveries.c.state == DeliveryState.PENDING,
    )
