"""Stopping a webhook, and letting it go again.

What a stopped webhook is owed stays where it is, in its order: only the webhooks that are enabled are looked at. So
stopping and starting cost the same for ten deliveries as for a million.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, case, literal_column, or_, select, update

from app.core.clock import AT_ONCE, Micros
from app.core.receiver_health import HEALTHY, resumed_with_a_probe
from app.core.states import ASKED_FOR, AttemptCause, DeliveryState
from app.store.partitions import next_counter
from app.store.tables import batches, deliveries, webhooks
from app.store.webhook_health import HealthChange, write_health

SINK_MISSING = "sink is not installed or failed to load"
"""How the reason begins when a webhook was paused for want of its sink."""
SINK_OUT = "sink is out of service until the workers are started again"
"""How the reason begins when a webhook was paused because its sink had done too much harm."""

CHUNK = 5_000
"""Most rows that are parked at once; the others stay pending."""


def park_due(connection: Connection, webhook_pk: int, now: Micros, reason: str) -> None:
    """Park what a webhook would have sent now, and say why: up to :data:`CHUNK` deliveries, and every due batch."""
    due = (
        select(deliveries.c.event_seq)
        .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.due_at <= now)
        .order_by(deliveries.c.due_at)
        .limit(CHUNK)
    )
    parked = {"state": DeliveryState.PARKED, "lease_token": None, "reason": reason}
    connection.execute(
        update(deliveries)
        .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.event_seq.in_(due))
        .values(due_at=None, **parked)
    )
    due_batches = (batches.c.webhook_pk == webhook_pk, batches.c.due_at <= now)
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.batch_pk.in_(select(batches.c.pk).where(*due_batches)),
            deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        )
        .values(**parked)
    )
    connection.execute(update(batches).where(*due_batches).values(due_at=None, lease_token=None))


def release(connection: Connection, webhook_pk: int) -> None:
    """Make everything that is parked, waits for a later try or is buffered for a batch due at once, in ledger order."""
    of_it = deliveries.c.webhook_pk == webhook_pk
    # The literal lets SQLite see that the index of what ended badly holds them all.
    parked = (of_it, deliveries.c.state == DeliveryState.PARKED, deliveries.c.state > literal_column("2"))
    members = select(deliveries.c.batch_pk).where(*parked, deliveries.c.batch_pk.is_not(None))
    connection.execute(
        update(batches)
        .where(
            batches.c.webhook_pk == webhook_pk,
            batches.c.lease_token.is_(None),
            or_(batches.c.due_at.is_not(None), batches.c.pk.in_(members)),
        )
        .values(due_at=AT_ONCE)
    )
    pending = {"state": DeliveryState.PENDING, "reason": None, "cause": _CAUSE_RESUMED}
    single = deliveries.c.batch_pk.is_(None)
    connection.execute(update(deliveries).where(*parked, single).values(due_at=AT_ONCE, **pending))
    connection.execute(update(deliveries).where(*parked).values(**pending))
    waiting = (of_it, deliveries.c.due_at > AT_ONCE, deliveries.c.state == DeliveryState.PENDING)
    connection.execute(update(deliveries).where(*waiting).values(due_at=AT_ONCE, cause=_CAUSE_RESUMED))


_WAS_TRIED = and_(deliveries.c.attempt_count > 0, deliveries.c.cause.not_in(sorted(ASKED_FOR)))
_CAUSE_RESUMED = case((_WAS_TRIED, int(AttemptCause.RESUMED)), else_=deliveries.c.cause)


def stop_webhook(connection: Connection, webhook_pk: int, *, state: str, reason: str, now: Micros) -> bool:
    """Pause or disable a webhook if it is enabled; answers whether it was."""
    stopped = connection.execute(
        update(webhooks)
        .where(webhooks.c.pk == webhook_pk, webhooks.c.state == "enabled")
        .values(state=state, state_reason=reason, state_since=now, version=webhooks.c.version + 1, updated_at=now)
    )
    if not stopped.rowcount:
        return False
    next_counter(connection, "routing_generation")
    return True


def resume_webhook(connection: Connection, webhook_pk: int, now: Micros, *, probe: bool = False) -> None:
    """Enable a webhook, forget its past troubles and release what it kept; ``probe`` lets one delivery go first."""
    version = connection.execute(
        update(webhooks)
        .where(webhooks.c.pk == webhook_pk)
        .values(state="enabled", state_reason=None, state_since=now, version=webhooks.c.version + 1, updated_at=now)
        .returning(webhooks.c.version)
    ).scalar_one()
    next_counter(connection, "routing_generation")
    health = resumed_with_a_probe(now) if probe else HEALTHY
    write_health(connection, [HealthChange(webhook_pk, version, health)])
    release(connection, webhook_pk)


def resume_returned_sinks(connection: Connection, sink_names: Collection[str], now: Micros) -> None:
    """Resume the webhooks that were paused only because their sink was not installed or out of service, and now is."""
    returned = select(webhooks.c.pk).where(
        webhooks.c.state == "paused",
        or_(*(webhooks.c.state_reason.like(f"{reason}%") for reason in (SINK_MISSING, SINK_OUT))),
        webhooks.c.sink.in_(sorted(sink_names)),
    )
    for pk in connection.execute(returned).scalars().all():
        resume_webhook(connection, pk, now)
