"""Redelivering one by hand: the same delivery, the same message id, one more run through the schedule."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.core.clock import Micros, to_rfc3339
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import parse_delivery_id
from app.core.receiver_health import Condition, Health
from app.core.states import AttemptCause, DeliveryState, Mode
from app.delivery.by_hand import count_redelivery
from app.security.scope import Scope
from app.store.replay_sets import AGAIN
from app.store.tables import deliveries, webhook_health, webhooks
from app.store.webhook_health import HEALTH_COLUMNS, read_health

_REPEATABLE = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.PARKED)

_ON_ITS_WAY = {
    DeliveryState.SENDING: "this delivery is sending: an attempt is on its way; wait for its end",
    DeliveryState.ACCEPTED: "this delivery is accepted: its receiver is still asked to confirm it; wait for its word",
}


_STANDING = (
    select(deliveries, webhooks.c.state.label("webhook_state"), webhooks.c.mode, webhooks.c.deleted_at, *HEALTH_COLUMNS)
    .join(webhooks, webhooks.c.pk == deliveries.c.webhook_pk)
    .outerjoin(webhook_health, webhook_health.c.webhook_pk == deliveries.c.webhook_pk)
)


def redeliver(connection: Connection, public_id: str, scope: Scope, now: Micros) -> int:
    """Make one delivery due again, with a fresh run of its retry schedule; answers the partition to ring.

    However many ask at once, one of them is obeyed and the others are told that it is pending already.

    Raises:
        NotFoundError: there is no such delivery in scope.
        ConflictError: it is pending or being sent already, or its webhook cannot deliver.
        RateLimitedError: there were too many redeliveries of its webhook.
    """
    webhook_id, event_seq = parse_delivery_id(public_id)
    webhook = connection.execute(
        select(webhooks.c.pk, webhooks.c.partition, webhooks.c.state, webhooks.c.mode)
        .where(*scope.within(webhooks), webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_(None))
        .with_for_update(read=True)
    ).one_or_none()
    if webhook is None:
        raise NotFoundError("no such delivery")
    this = (deliveries.c.webhook_pk == webhook.pk, deliveries.c.event_seq == event_seq)
    count_redelivery(connection, webhook_id, now)
    if webhook.state == "enabled":
        # Asked and done in one statement: of many at once it finds the delivery finished for one. It never waits for a
        # drain, which locks unfinished rows only.
        finished = update(deliveries).where(*this, deliveries.c.state.in_(_REPEATABLE))
        if connection.execute(finished.values(AGAIN | {"due_at": now, "cause": AttemptCause.BY_HAND})).rowcount:
            return int(webhook.partition)
    row = connection.execute(_STANDING.where(*this)).one_or_none()
    if row is None:
        raise NotFoundError("no such delivery")
    if row.state not in _REPEATABLE:
        raise ConflictError(_why_not(row, now))
    if webhook.state != "enabled":
        raise ConflictError(f"the webhook is {webhook.state}; resume it first")
    raise ConflictError("this delivery was sending and ended this very moment; look at it, then decide")


def obstacle(connection: Connection, public_id: str, scope: Scope, now: Micros) -> str | None:
    """Why a delivery cannot be redelivered now; None when it can.

    Raises:
        NotFoundError: there is no such delivery in scope.
    """
    webhook_id, event_seq = parse_delivery_id(public_id)
    this = (*scope.within(webhooks), webhooks.c.id == webhook_id, deliveries.c.event_seq == event_seq)
    row = connection.execute(_STANDING.where(*this)).one_or_none()
    if row is None:
        raise NotFoundError("no such delivery")
    if row.deleted_at is not None:
        return "the webhook was deleted"
    if row.state not in _REPEATABLE:
        return _why_not(row, now)
    return None if row.webhook_state == "enabled" else f"the webhook is {row.webhook_state}; resume it first"


def _why_not(delivery: Row[Any], now: Micros) -> str:
    """Why an unfinished delivery needs no redelivery, and what happens to it instead."""
    if delivery.state in _ON_ITS_WAY:
        return _ON_ITS_WAY[delivery.state]
    if delivery.webhook_state != "enabled":
        return f"this delivery is pending and held, because the webhook is {delivery.webhook_state}; resume the webhook"
    health = read_health([getattr(delivery, column.name) for column in HEALTH_COLUMNS])
    if health.held_until > max(now, delivery.due_at or 0):
        return f"this delivery is pending: {_held(health)} until {to_rfc3339(health.held_until)}"
    return f"this delivery is pending{_wait(delivery, now)}"


def _wait(delivery: Row[Any], now: Micros) -> str:
    if delivery.batch_pk is not None:
        return " as a member of a closed batch, which is delivered by itself"
    due_at = delivery.due_at or now
    if delivery.tries and due_at > now:
        return f": its next automatic attempt is at {to_rfc3339(due_at)}"
    if delivery.mode == Mode.BATCH:
        return f": its batch closes at {to_rfc3339(due_at)} at the latest"
    return ": it is due already and goes out next"


def _held(health: Health) -> str:
    if health.condition is Condition.THROTTLED:
        return "the webhook is throttled, because its receiver asked for fewer requests, and held back"
    if health.condition is Condition.FAILING:
        return "the webhook is failing and held back"
    return "the webhook is held back"
