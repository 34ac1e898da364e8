"""What a webhook still owes, and when it moves: counted as far as a page needs it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, select, text

from app.core.clock import AT_ONCE, Micros
from app.core.states import DeliveryState
from app.store.tables import attempts, deliveries, webhooks

MOST_COUNTED = 5_000
"""Deliveries counted of each webhook and kind; a longer backlog is told as at least so many."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Deliveries that have not ended; ``is_more`` = there are more than were counted."""

    number: int
    is_more: bool

    def __add__(self, other: UnderWay) -> UnderWay:
        return UnderWay(self.number + other.number, self.is_more or other.is_more)


@dataclass(frozen=True, slots=True)
class Moments:
    """When a webhook's latest event was last attempted, and when the next retry is due."""

    last_attempt_at: Micros | None
    next_attempt_at: Micros | None


# A limit inside a count needs a sub-query that sees the webhook. The second comparison of the state lets SQLite see
# that the index of what ended badly holds them all.
_COUNTS = text("""
    SELECT w.id,
        (SELECT count(*) FROM (
            SELECT 1 FROM deliveries d WHERE d.webhook_pk = w.pk AND d.due_at IS NOT NULL LIMIT :most) AS due),
        (SELECT count(*) FROM (
            SELECT 1 FROM batches b JOIN deliveries d ON d.batch_pk = b.pk AND d.state <= 1
            WHERE b.webhook_pk = w.pk AND b.due_at IS NOT NULL LIMIT :most) AS batched),
        (SELECT count(*) FROM (
            SELECT 1 FROM deliveries d WHERE d.webhook_pk = w.pk AND d.state = 6 AND d.state > 2 LIMIT :most)
            AS accepted)
    FROM webhooks w WHERE w.organization_id = :organization AND w.id IN :ids
""").bindparams(bindparam("ids", expanding=True))


def under_way(connection: Connection, organization_id: str, webhook_ids: Collection[str]) -> dict[str, UnderWay]:
    """What these webhooks of one organization still owe, parked deliveries aside.

    The caller has found them within its scope.
    """
    asked = {"organization": organization_id, "ids": list(webhook_ids), "most": MOST_COUNTED}
    return {
        webhook_id: UnderWay(sum(counts), MOST_COUNTED in counts)
        for webhook_id, *counts in connection.execute(_COUNTS, asked)
    }


def moments_of(connection: Connection, organization_id: str, webhook_ids: Collection[str]) -> dict[str, Moments]:
    """When these webhooks of one organization were and will be busy: two look-ups for each.

    The caller has found them within its scope.
    """
    mine = select(webhooks.c.pk, webhooks.c.id).where(
        webhooks.c.organization_id == organization_id, webhooks.c.id.in_(webhook_ids)
    )
    return {
        row.id: Moments(
            connection.execute(_last_attempt(row.pk)).scalar_one_or_none(),
            connection.execute(_next_attempt(row.pk)).scalar_one_or_none(),
        )
        for row in connection.execute(mine).all()
    }


def _last_attempt(webhook_pk: int) -> Select[int]:
    newest = select(attempts.c.started_at).where(attempts.c.webhook_pk == webhook_pk)
    return newest.order_by(attempts.c.event_seq.desc(), attempts.c.n.desc()).limit(1)


def _next_attempt(webhook_pk: int) -> Select[int]:
    waiting = select(deliveries.c.due_at).where(
        deliveries.c.webhook_pk == webhook_pk,
        deliveries.c.due_at > AT_ONCE,
        deliveries.c.state == DeliveryState.PENDING,
    )
    return waiting.order_by(deliveries.c.due_at, deliveries.c.event_seq).limit(1)
