"""Keeping deliveries back, and letting them go: held while a webhook is paused, parked while its sink cannot work."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from app.core.clock import Micros
from app.core.states import DeliveryState
from app.store.partitions import next_counter
from app.store.tables import batches, deliveries, webhooks

SINK_MISSING = "sink is not installed or failed to load"
"""How the reason begins when a webhook was paused for want of its sink."""

CHUNK = 5_000
"""Rows moved per statement, so that a long backlog is held in many short transactions."""


def hold_due(connection: Connection, webhook_pk: int, now: Micros, *, park_reason: str | None = None) -> None:
    """Take up to :data:`CHUNK` due deliveries, and every due batch, of a webhook out of the due index.

    With ``park_reason`` they are parked and say why; without, they stay pending.
    """
    due = (
        select(deliveries.c.event_seq)
        .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.due_at <= now)
        .order_by(deliveries.c.due_at)
        .limit(CHUNK)
    )
    state = DeliveryState.PENDING if park_reason is None else DeliveryState.PARKED
    connection.execute(
        update(deliveries)
        .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.event_seq.in_(due))
        .values(state=state, due_at=None, lease_token=None, reason=park_reason)
    )
    due_batches = (batches.c.webhook_pk == webhook_pk, batches.c.due_at <= now)
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.batch_pk.in_(select(batches.c.pk).where(*due_batches)),
            deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        )
        .values(state=state, lease_token=None, reason=park_reason)
    )
    connection.execute(update(batches).where(*due_batches).values(due_at=None, lease_token=None))


def release_held(connection: Connection, webhook_pk: int, now: Micros) -> int:
    """Make everything held or parked of a webhook due now; answers how many deliveries."""
    waiting = (
        deliveries.c.webhook_pk == webhook_pk,
        deliveries.c.due_at.is_(None),
        deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.PARKED)),
    )
    members = select(deliveries.c.batch_pk).where(*waiting, deliveries.c.batch_pk.is_not(None))
    connection.execute(update(batches).where(batches.c.pk.in_(members), batches.c.due_at.is_(None)).values(due_at=now))
    in_batches = update(deliveries).where(*waiting, deliveries.c.batch_pk.is_not(None))
    single = update(deliveries).where(*waiting, deliveries.c.batch_pk.is_(None))
    freed = connection.execute(in_batches.values(state=DeliveryState.PENDING, reason=None)).rowcount
    return freed + connection.execute(single.values(state=DeliveryState.PENDING, reason=None, due_at=now)).rowcount


def stop_webhook(connection: Connection, webhook_pk: int, *, state: str, reason: str, now: Micros) -> None:
    """Pause or disable an enabled webhook because of what a receiver or a plugin did."""
    stopped = connection.execute(
        update(webhooks)
        .where(webhooks.c.pk == webhook_pk, webhooks.c.state == "enabled")
        .values(state=state, state_reason=reason, version=webhooks.c.version + 1, updated_at=now)
    )
    if stopped.rowcount:
        next_counter(connection, "routing_generation")


def resume_webhook(connection: Connection, webhook_pk: int, now: Micros) -> int:
    """Enable a paused or disabled webhook and release what it kept; answers how many deliveries are due again."""
    connection.execute(
        update(webhooks)
        .where(webhooks.c.pk == webhook_pk)
        .values(state="enabled", state_reason=None, version=webhooks.c.version + 1, updated_at=now)
    )
    next_counter(connection, "routing_generation")
    return release_held(connection, webhook_pk, now)


def resume_returned_sinks(connection: Connection, sink_names: Collection[str], now: Micros) -> None:
    """Resume the webhooks that were paused only because their sink was not installed, and now is."""
    returned = select(webhooks.c.pk).where(
        webhooks.c.state == "paused",
        webhooks.c.state_reason.like(f"{SINK_MISSING}%"),
        webhooks.c.sink.in_(sorted(sink_names)),
    )
    for pk in connection.execute(returned).scalars().all():
        resume_webhook(connection, pk, now)
