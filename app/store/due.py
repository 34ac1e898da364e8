"""What is due: the webhooks and partitions for which somebody must act now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, bindparam, func, or_, select

from app.core.clock import AT_ONCE, Micros
from app.core.receiver_health import Health
from app.store.buffers import wants_look
from app.store.tables import batches, deliveries, events, partitions, webhook_health, webhooks
from app.store.tables_receipts import receipts
from app.store.webhook_health import HEALTH_COLUMNS, read_health


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """An enabled webhook that has something due or a buffer that wants a look, and may send."""

    pk: int
    version: int
    partition: int
    health: Health


_NOW: ColumnElement[Micros] = bindparam("now")
_HELD = webhook_health.c.held_until
_MAY_SEND = (webhooks.c.state == "enabled", or_(_HELD.is_(None), _HELD <= _NOW))
_HAS_DUE = or_(
    *(
        select(1).where(table.c.webhook_pk == webhooks.c.pk, table.c.due_at <= _NOW).correlate(webhooks).exists()
        for table in (deliveries, batches)
    )
)
_WITH_HEALTH = webhooks.outerjoin(webhook_health, webhook_health.c.webhook_pk == webhooks.c.pk)

_BUFFER_WANTS_LOOK = wants_look(bindparam("now", type_=BigInteger))

_DUE_WEBHOOKS = (
    select(webhooks.c.pk, webhooks.c.version, webhooks.c.partition, *HEALTH_COLUMNS)
    .select_from(_WITH_HEALTH)
    .where(webhooks.c.partition.in_(bindparam("held", expanding=True)), *_MAY_SEND, or_(_HAS_DUE, _BUFFER_WANTS_LOOK))
)
_DUE_PARTITIONS = (
    select(webhooks.c.partition)
    .select_from(_WITH_HEALTH)
    .where(or_(and_(*_MAY_SEND, _HAS_DUE), _BUFFER_WANTS_LOOK))
    .distinct()
)

# The first condition knows no webhook: where nothing waits, none is looked at. A receiver that asked for fewer requests
# is asked about its receipts all the same, because they are what it wants to be rid of.
_HAS_RECEIPTS_DUE = (
    select(receipts.c.exchange_id).limit(1).scalar_subquery().is_not(None),
    webhooks.c.state == "enabled",
    select(1).where(receipts.c.webhook_pk == webhooks.c.pk, receipts.c.poll_at <= _NOW).correlate(webhooks).exists(),
)
_WITH_RECEIPTS_DUE = (
    select(webhooks.c.pk, webhooks.c.version, webhooks.c.partition, *HEALTH_COLUMNS)
    .select_from(_WITH_HEALTH)
    .where(webhooks.c.partition.in_(bindparam("held", expanding=True)), *_HAS_RECEIPTS_DUE)
)
_PARTITIONS_WITH_RECEIPTS_DUE = select(webhooks.c.partition).where(*_HAS_RECEIPTS_DUE).distinct()

_OLDEST_FIRST_ATTEMPT = (
    select(events.c.received_at)
    .join(deliveries, deliveries.c.event_seq == events.c.seq)
    .where(deliveries.c.webhook_pk == webhooks.c.pk, deliveries.c.due_at == AT_ONCE)
    .order_by(deliveries.c.event_seq)
    .limit(1)
    .correlate(webhooks)
    .scalar_subquery()
)
_LATE_RETRY = (
    select(1)
    .where(deliveries.c.webhook_pk == webhooks.c.pk, deliveries.c.due_at > AT_ONCE, deliveries.c.due_at <= _NOW)
    .correlate(webhooks)
    .exists()
)
_LATE_PARTITIONS = (
    select(webhooks.c.partition)
    .select_from(_WITH_HEALTH)
    .where(and_(*_MAY_SEND), or_(_OLDEST_FIRST_ATTEMPT <= _NOW, _LATE_RETRY))
    .distinct()
)

_OLDEST_RETRY = (
    select(deliveries.c.due_at)
    .where(deliveries.c.webhook_pk == webhooks.c.pk, deliveries.c.due_at > AT_ONCE, deliveries.c.due_at <= _NOW)
    .order_by(deliveries.c.due_at)
    .limit(1)
    .correlate(webhooks)
    .scalar_subquery()
)
_OLDEST = (
    select(webhooks.c.partition, _OLDEST_FIRST_ATTEMPT.label("first"), _OLDEST_RETRY.label("retry"))
    .select_from(_WITH_HEALTH)
    .where(*_MAY_SEND)
    .subquery()
)
_WAITING = select(_OLDEST.c.partition, func.min(_OLDEST.c.first), func.min(_OLDEST.c.retry)).group_by(
    _OLDEST.c.partition
)


def due_webhooks(connection: Connection, held: Collection[int], now: Micros) -> list[DueWebhook]:
    """The webhooks of the held partitions that have something due, are enabled and not held back."""
    rows = connection.execute(_DUE_WEBHOOKS, {"held": sorted(held), "now": now})
    return [DueWebhook(row[0], row[1], row[2], read_health(row[3:])) for row in rows]


def webhooks_with_receipts_due(connection: Connection, held: Collection[int], now: Micros) -> list[DueWebhook]:
    """The enabled webhooks of the held partitions whose receiver is to be asked about receipts now."""
    rows = connection.execute(_WITH_RECEIPTS_DUE, {"held": sorted(held), "now": now})
    return [DueWebhook(row[0], row[1], row[2], read_health(row[3:])) for row in rows]


def due_partitions(connection: Connection, now: Micros) -> list[int]:
    """Partitions that somebody should take now: one index probe per webhook, however long the backlog.

    They have such a webhook, a buffer that wants a look, receipts to ask about, or a holder that let its lease end:
    what it had in flight is due with the next holder.
    """
    waiting = set(connection.execute(_DUE_PARTITIONS, {"now": now}).scalars())
    waiting.update(connection.execute(_PARTITIONS_WITH_RECEIPTS_DUE, {"now": now}).scalars())
    abandoned = select(partitions.c.id).where(partitions.c.token != 0, partitions.c.lease_until < now)
    return sorted(waiting.union(connection.execute(abandoned).scalars()))


def late_partitions(connection: Connection, before: Micros) -> list[int]:
    """Partitions in which something waits that could have been sent before this moment."""
    return sorted(connection.execute(_LATE_PARTITIONS, {"now": before}).scalars())


def waiting_since(connection: Connection, now: Micros) -> dict[int, Micros]:
    """Since when the oldest delivery of each partition could have been sent: two index probes per webhook.

    A partition in which nothing waits is left out.
    """
    rows = connection.execute(_WAITING, {"now": now}).all()
    return {partition: min(filter(None, oldest)) for partition, *oldest in rows if any(oldest)}
