"""Closing batches: buffered deliveries of a batch webhook become the fixed members of one batch.

A webhook belongs to one organization, and only deliveries of one webhook go into a batch, so a batch never holds events
of two organizations. Whoever closes has the webhook's row locked, so a delivery gets into exactly one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, or_, select, update

from app.core.clock import Micros
from app.core.ids import RandomBytes, new_id
from app.core.states import CloseReason
from app.store.buffers import Buffer, count_again, event_size, waiting
from app.store.tables import batches, deliveries

CLOSINGS = 4
"""Batches closed in one transaction at most, up to 20,000 events each: nobody waits longer for the write turn."""


@dataclass(frozen=True, slots=True)
class ClosedBatch:
    """A batch as it was closed."""

    id: str
    reason: CloseReason
    event_count: int
    byte_count: int


def close_full(
    connection: Connection, buffer: Buffer, now: Micros, random_bytes: RandomBytes
) -> tuple[list[ClosedBatch], Buffer]:
    """Close up to :data:`CLOSINGS` full batches; answers them and the buffer that goes on waiting."""
    closed: list[ClosedBatch] = []
    while buffer.is_full and len(closed) < CLOSINGS:
        one = _close(connection, buffer, now, random_bytes, CloseReason.COUNT)
        buffer = count_again(connection, buffer)
        closed += [one] if one else []
    return closed, buffer


def close_all(
    connection: Connection, buffer: Buffer, now: Micros, random_bytes: RandomBytes, reason: CloseReason
) -> list[ClosedBatch]:
    """Close what waits, in as many batches as the webhook's rule wants, up to :data:`CLOSINGS`; full ones say so.

    The batches of a webhook that is not enabled wait with it.
    """
    closed: list[ClosedBatch] = []
    while len(closed) < CLOSINGS:
        one = _close(connection, buffer, now, random_bytes, reason)
        if one is None:
            break
        closed.append(one)
    if closed:
        count_again(connection, buffer)
    return closed


def _close(
    connection: Connection, buffer: Buffer, now: Micros, random_bytes: RandomBytes, reason: CloseReason
) -> ClosedBatch | None:
    """Close one batch of the oldest deliveries that wait; None when there are none."""
    size, number, found = _what_fits(connection, buffer)
    if not number:
        return None
    if number == buffer.max_events:
        reason = CloseReason.COUNT
    elif number < found or size >= buffer.max_bytes:
        reason = CloseReason.BYTES
    closed = ClosedBatch(new_id("bat", random_bytes), reason, number, size)
    pk = connection.execute(
        insert(batches)
        .values(
            id=closed.id,
            webhook_pk=buffer.webhook_pk,
            due_at=now,
            attempt_count=0,
            closed_at=now,
            close_reason=reason.value,
            event_count=number,
            byte_count=size,
        )
        .returning(batches.c.pk)
    ).scalar_one()
    members = waiting(buffer.webhook_pk, number).with_only_columns(deliveries.c.event_seq)
    connection.execute(
        update(deliveries)
        .where(deliveries.c.webhook_pk == buffer.webhook_pk, deliveries.c.event_seq.in_(members))
        .values(batch_pk=pk, due_at=None)
    )
    return closed


def _what_fits(connection: Connection, buffer: Buffer) -> tuple[int, int, int]:
    """Bytes and number of the oldest deliveries that fit into one batch, at least one; and how many were looked at."""
    oldest = waiting(buffer.webhook_pk, buffer.max_events).subquery()
    sized = select(oldest.c.due_at, oldest.c.event_seq, event_size(oldest.c.event_seq).label("size")).subquery()
    total = func.sum(sized.c.size).over(order_by=(sized.c.due_at, sized.c.event_seq))
    running = select(sized.c.size, total.label("total")).subquery()
    fits = or_(running.c.total <= buffer.max_bytes, running.c.total == running.c.size)
    row = connection.execute(
        select(
            func.coalesce(func.max(running.c.total).filter(fits), 0), func.count().filter(fits), func.count()
        ).select_from(running)
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
