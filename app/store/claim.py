"""Claiming: marking due deliveries and batches as *sending* under a lease before anything leaves.

One index, ``(webhook_pk, due_at, event_seq) WHERE due_at IS NOT NULL``, serves every query here. Claiming per webhook
keeps a long backlog of one webhook out of the way of the others, and keeps each webhook's ledger order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, or_, select, text, update

from app.core.clock import SECOND, Micros
from app.core.states import DeliveryState
from app.store.tables import batches, deliveries, events, webhooks

DELIVERY_LEASE: Micros = 45 * SECOND
"""Longer than an attempt (15 s) plus its wait for a slot and the commit, so no live attempt is ever doubled."""


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A webhook of a held partition that has something due."""

    pk: int
    version: int
    partition: int
    state: str


class Claimed(NamedTuple):
    """One delivery that is ours to send.

    ``attempt`` and ``tries`` count this one; ``orphan`` = an earlier holder died with it in flight.
    """

    webhook_pk: int
    event_seq: int
    attempt: int
    tries: int
    orphan: bool
    due_at: Micros
    event_id: str
    event_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """One closed batch that is ours to send, with its unfinished members in ledger order."""

    pk: int
    id: str
    webhook_pk: int
    attempt: int
    orphan: bool
    event_count: int
    """How many members it was closed with."""
    members: tuple[Claimed, ...]


_DUE_WEBHOOKS = select(webhooks.c.pk, webhooks.c.version, webhooks.c.partition, webhooks.c.state).where(
    webhooks.c.partition.in_(bindparam("held", expanding=True)),
    or_(
        *(
            select(1)
            .where(table.c.webhook_pk == webhooks.c.pk, table.c.due_at <= bindparam("now"))
            .correlate(webhooks)
            .exists()
            for table in (deliveries, batches)
        )
    ),
)

_SELECT_DUE = (
    select(
        deliveries.c.webhook_pk,
        deliveries.c.event_seq,
        deliveries.c.attempt_count,
        deliveries.c.tries,
        deliveries.c.state,
        deliveries.c.due_at,
        events.c.id,
        events.c.type,
        events.c.body,
    )
    .join(events, events.c.seq == deliveries.c.event_seq)
    .where(deliveries.c.webhook_pk == bindparam("pk"), deliveries.c.due_at <= bindparam("now"))
    .order_by(deliveries.c.due_at, deliveries.c.event_seq)
    .limit(bindparam("room"))
)

_MARK_SENDING = """
    UPDATE deliveries
    SET state = 1, due_at = ?, lease_token = ?, attempt_count = attempt_count + 1, tries = tries + 1
    WHERE webhook_pk = ? AND event_seq = ?
"""

# The due ids are fenced off in a MATERIALIZED step: merged into the UPDATE, a plan made on an empty table re-ran the
# locking sub-select once per row.
_CLAIM_POSTGRES = text("""
    WITH due AS MATERIALIZED (
        SELECT webhook_pk, event_seq, attempt_count, tries, state, due_at FROM deliveries
        WHERE webhook_pk = :pk AND due_at <= :now
        ORDER BY due_at, event_seq LIMIT :room FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE deliveries d SET state = 1, due_at = :lease_until, lease_token = :token,
                                attempt_count = d.attempt_count + 1, tries = d.tries + 1
        FROM due WHERE d.webhook_pk = due.webhook_pk AND d.event_seq = due.event_seq
        RETURNING d.event_seq
    )
    SELECT due.webhook_pk, due.event_seq, due.attempt_count, due.tries, due.state, due.due_at, e.id, e.type, e.body
    FROM due JOIN events e ON e.seq = due.event_seq
    ORDER BY due.due_at, due.event_seq
""")


def due_webhooks(connection: Connection, held: Collection[int], now: Micros) -> list[DueWebhook]:
    """The webhooks of the held partitions that have something due."""
    rows = connection.execute(_DUE_WEBHOOKS, {"held": sorted(held), "now": now})
    return [DueWebhook(*row) for row in rows]


def claim_deliveries(connection: Connection, webhook_pk: int, token: int, now: Micros, room: int) -> list[Claimed]:
    """Claim up to ``room`` due deliveries of one webhook, in ledger order."""
    moment = {"pk": webhook_pk, "now": now, "room": room}
    lease = {"lease_until": now + DELIVERY_LEASE, "token": token}
    if connection.dialect.name == "postgresql":
        return [_claimed(row) for row in connection.execute(_CLAIM_POSTGRES, moment | lease)]
    rows = connection.execute(_SELECT_DUE, moment).all()
    if rows:
        marks = [(lease["lease_until"], token, webhook_pk, row.event_seq) for row in rows]
        connection.exec_driver_sql(_MARK_SENDING, marks)
    return [_claimed(row) for row in rows]


def _claimed(row: Any) -> Claimed:
    webhook_pk, event_seq, attempts, tries, state, due_at, event_id, event_type, body = row
    orphan = state == DeliveryState.SENDING
    return Claimed(webhook_pk, event_seq, attempts + 1, tries + 1, orphan, due_at, event_id, event_type, body)


def claim_batches(connection: Connection, webhook_pk: int, token: int, now: Micros, room: int) -> list[ClaimedBatch]:
    """Claim up to ``room`` due batches of one webhook, oldest first, with their unfinished members."""
    due = connection.execute(
        select(batches)
        .where(batches.c.webhook_pk == webhook_pk, batches.c.due_at <= now)
        .order_by(batches.c.due_at)
        .limit(room)
    ).all()
    found = []
    for row in due:
        connection.execute(
            update(batches)
            .where(batches.c.pk == row.pk)
            .values(due_at=now + DELIVERY_LEASE, lease_token=token, attempt_count=row.attempt_count + 1)
        )
        members = _claim_members(connection, row.pk, token)
        found.append(
            ClaimedBatch(
                row.pk,
                row.id,
                webhook_pk,
                row.attempt_count + 1,
                row.lease_token is not None,
                row.event_count,
                members,
            )
        )
    return found


def _claim_members(connection: Connection, batch_pk: int, token: int) -> tuple[Claimed, ...]:
    unfinished = deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
    rows = connection.execute(
        select(
            deliveries.c.webhook_pk,
            deliveries.c.event_seq,
            deliveries.c.attempt_count,
            deliveries.c.tries,
            deliveries.c.state,
            events.c.received_at,
            events.c.id,
            events.c.type,
            events.c.body,
        )
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(deliveries.c.batch_pk == batch_pk, unfinished)
        .order_by(deliveries.c.event_seq)
    ).all()
    connection.execute(
        update(deliveries)
        .where(deliveries.c.batch_pk == batch_pk, unfinished)
        .values(
            state=DeliveryState.SENDING,
            lease_token=token,
            attempt_count=deliveries.c.attempt_count + 1,
            tries=deliveries.c.tries + 1,
        )
    )
    return tuple(_claimed(row) for row in rows)
