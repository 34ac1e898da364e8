"""Closing a batch by hand: what waits now goes out now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.core.clock import Micros
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import RandomBytes
from app.core.states import CloseReason, Mode
from app.security.scope import Scope
from app.store.batches import ClosedBatch, close_all
from app.store.buffers import lock_buffer
from app.store.tables import webhooks


@dataclass(frozen=True, slots=True)
class ClosedByHand:
    """The batches that were closed, none when nothing waited, and the partition to ring."""

    batches: tuple[ClosedBatch, ...]
    partition: int


def close_by_hand(
    connection: Connection, webhook_id: str, scope: Scope, now: Micros, random_bytes: RandomBytes
) -> ClosedByHand:
    """Close what waits in the buffer of a batch webhook.

    Raises:
        NotFoundError: there is no such webhook in scope.
        ConflictError: it is an instant webhook, or it cannot deliver now.
    """
    webhook = connection.execute(
        select(webhooks.c.pk, webhooks.c.mode, webhooks.c.state, webhooks.c.partition).where(
            *scope.within(webhooks), webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_(None)
        )
    ).one_or_none()
    if webhook is None:
        raise NotFoundError("no such webhook")
    if webhook.mode != Mode.BATCH:
        raise ConflictError("an instant webhook has no batches")
    buffer = lock_buffer(connection, webhook.pk)
    if buffer.state != "enabled":
        raise ConflictError(f"the webhook is {buffer.state}; enable it first")
    closed = close_all(connection, buffer, now, random_bytes, CloseReason.HAND)
    return ClosedByHand(tuple(closed), webhook.partition)
