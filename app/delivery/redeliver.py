"""Redelivering by hand: the same delivery, the same message id, one more run through the schedule."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from app.core.clock import Micros
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import parse_delivery_id
from app.core.states import DeliveryState
from app.security.scope import Scope
from app.store.tables import deliveries, webhooks

_REPEATABLE = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.PARKED)


def redeliver(connection: Connection, public_id: str, scope: Scope, now: Micros) -> int:
    """Make one delivery due again, with a fresh run of its retry schedule; answers the partition to ring.

    Raises:
        NotFoundError: there is no such delivery in scope.
        ConflictError: it is pending or being sent already, or its webhook cannot deliver.
    """
    webhook_id, event_seq = parse_delivery_id(public_id)
    webhook = connection.execute(
        select(webhooks.c.pk, webhooks.c.partition, webhooks.c.state).where(
            *scope.within(webhooks), webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_(None)
        )
    ).one_or_none()
    if webhook is None:
        raise NotFoundError("no such delivery")
    this = (deliveries.c.webhook_pk == webhook.pk, deliveries.c.event_seq == event_seq)
    state = connection.execute(select(deliveries.c.state).where(*this)).scalar_one_or_none()
    if state is None:
        raise NotFoundError("no such delivery")
    if state not in _REPEATABLE:
        raise ConflictError(f"this delivery is {DeliveryState(state).label}: an attempt is already on its way")
    if webhook.state != "enabled":
        raise ConflictError(f"the webhook is {webhook.state}; resume it first")
    # It leaves its batch: redelivered on its own, it is a message of its own.
    connection.execute(
        update(deliveries)
        .where(*this)
        .values(state=DeliveryState.PENDING, due_at=now, tries=0, reason=None, batch_pk=None)
    )
    return int(webhook.partition)
