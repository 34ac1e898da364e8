"""Claiming: marking due deliveries and batches as *sending* under a lease before anything leaves.

One index, ``(webhook_pk, due_at, event_seq) WHERE due_at IS NOT NULL``, serves every query here. Claiming per webhook
keeps a long backlog of one webhook out of the way of the others, and keeps each webhook's ledger order: first attempts
are due ``AT_ONCE`` and so come before retries, in the order of their events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, select, text, update

from app.core.clock import AT_ONCE, SECOND, Micros
from app.core.states import AttemptCause, DeliveryState
from app.store.tables import batches, deliveries, events

DELIVERY_LEASE: Micros = 45 * SECOND
"""Longer than an attempt (15 s) plus its wait for a slot and the commit, so no live attempt is ever doubled."""


class Claimed(NamedTuple):
    """One delivery that is ours to send.

    ``attempt`` and ``tries`` count this one; ``losses`` the workers that died with it in their hands, ``orphan`` = one
    of them just now. ``cause`` is why the attempt was made that was due, or that the dead worker had begun.
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
    losses: int = 0
    cause: int = AttemptCause.FIRST

    @property
    def present_cause(self) -> int:
        """Why this attempt is made."""
        return AttemptCause.WORKER_LOST if self.orphan else self.cause

    @property
    def is_retry(self) -> bool:
        """Whether it comes at a time of its own, and not in its place in the ledger's order."""
        return self.due_at > AT_ONCE


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
    byte_count: int
    members: tuple[Claimed, ...]
    again_at: Micros | None = None
    """When those members are due that were not claimed; None = all of them were."""
    alone: bool = False
    """Whether its one member is the only one that workers can have died of."""


_SELECT_DUE = """
    SELECT d.webhook_pk, d.event_seq, d.attempt_count, d.tries, d.state, d.due_at, e.id, e.type, e.body, d.losses,
           d.cause
    FROM deliveries d JOIN events e ON e.seq = d.event_seq
    WHERE d.webhook_pk = ? AND d.due_at > ? AND d.due_at <= ?
    ORDER BY d.due_at, d.event_seq LIMIT ?
"""

# A row that is *sending* already (1) was in the hands of a worker that died: no fault of the receiver, so no try, and
# the cause of what comes now (7).
_MARK_SENDING = """
    UPDATE deliveries
    SET state = 1, due_at = ?, lease_token = ?, attempt_count = attempt_count + 1,
        tries = tries + (state <> 1), losses = losses + (state = 1),
        cause = CASE state WHEN 1 THEN 7 ELSE cause END
    WHERE webhook_pk = ? AND event_seq = ?
"""

# The due ids are fenced off in a MATERIALIZED step: merged into the UPDATE, a plan made on an empty table re-ran the
# locking sub-select once per row.
_CLAIM_POSTGRES = text("""
    WITH due AS MATERIALIZED (
        SELECT webhook_pk, event_seq, attempt_count, tries, state, due_at, losses, cause FROM deliveries
        WHERE webhook_pk = :pk AND due_at > :after AND due_at <= :now
        ORDER BY due_at, event_seq LIMIT :room FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE deliveries d SET state = 1, due_at = :lease_until, lease_token = :token,
                                attempt_count = d.attempt_count + 1,
                                tries = d.tries + CAST(d.state <> 1 AS integer),
                                losses = d.losses + CAST(d.state = 1 AS integer),
                                cause = CASE d.state WHEN 1 THEN 7 ELSE d.cause END
        FROM due WHERE d.webhook_pk = due.webhook_pk AND d.event_seq = due.event_seq
        RETURNING d.event_seq
    )
    SELECT due.webhook_pk, due.event_seq, due.attempt_count, due.tries, due.state, due.due_at, e.id, e.type, e.body,
           due.losses, due.cause
    FROM due JOIN events e ON e.seq = due.event_seq
    ORDER BY due.due_at, due.event_seq
""")


def claim_deliveries(
    connection: Connection, webhook_pk: int, token: int, now: Micros, room: int, *, after: Micros = 0
) -> list[Claimed]:
    """Claim up to ``room`` due deliveries of one webhook: first attempts in ledger order, then retries by their time.

    ``after`` leaves out what was due by then; ``AT_ONCE`` leaves out the first attempts.
    """
    lease_until = now + DELIVERY_LEASE
    if connection.dialect.name == "postgresql":
        moment = {"pk": webhook_pk, "now": now, "room": room, "after": after}
        lease = {"lease_until": lease_until, "token": token}
        return [_claimed(row) for row in connection.execute(_CLAIM_POSTGRES, moment | lease)]
    claimed = [_claimed(row) for row in connection.exec_driver_sql(_SELECT_DUE, (webhook_pk, after, now, room))]
    if claimed:
        marks = [(lease_until, token, webhook_pk, one.event_seq) for one in claimed]
        connection.exec_driver_sql(_MARK_SENDING, marks)
    return claimed


def _claimed(row: Any) -> Claimed:
    webhook_pk, event_seq, attempts, tries, state, due_at, event_id, event_type, body, losses, cause = row
    orphan = state == DeliveryState.SENDING
    return Claimed(
        webhook_pk,
        event_seq,
        attempts + 1,
        tries + (not orphan),
        orphan,
        due_at,
        event_id,
        event_type,
        body,
        losses + orphan,
        cause,
    )


def return_claimed(connection: Connection, claimed: Sequence[Claimed], *, in_batch: bool = False) -> None:
    """Undo a claim of this transaction: every row is again what it was before. A batch says itself when it is due."""
    statement = (
        update(deliveries)
        .where(deliveries.c.webhook_pk == bindparam("pk"), deliveries.c.event_seq == bindparam("seq"))
        .values(lease_token=None, **{name: bindparam(f"old_{name}") for name in _CLAIMED_COLUMNS})
    )
    rows = []
    for one in claimed:
        state = DeliveryState.SENDING if one.orphan else DeliveryState.PENDING
        due_at = None if in_batch else one.due_at
        old = (state, due_at, one.attempt - 1, one.tries - (not one.orphan), one.losses - one.orphan, one.cause)
        columns = {f"old_{name}": value for name, value in zip(_CLAIMED_COLUMNS, old, strict=True)}
        rows.append({"pk": one.webhook_pk, "seq": one.event_seq, **columns})
    if rows:
        connection.execute(statement, rows)


_CLAIMED_COLUMNS = ("state", "due_at", "attempt_count", "tries", "losses", "cause")


def claim_batches(
    connection: Connection, webhook_pk: int, token: int, now: Micros, room: int, room_bytes: int
) -> list[ClaimedBatch]:
    """Claim due batches of one webhook, oldest first, with their unfinished members.

    Up to ``room`` batches, and none that begins beyond ``room_bytes``: a batch is read into memory whole.
    """
    due = connection.execute(
        select(batches)
        .where(batches.c.webhook_pk == webhook_pk, batches.c.due_at <= now)
        .order_by(batches.c.due_at, batches.c.pk)
        .limit(room)
    ).all()
    found: list[ClaimedBatch] = []
    for row in due:
        if room_bytes <= 0:
            break
        room_bytes -= row.byte_count
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
                row.byte_count,
                members,
            )
        )
    return found


def _claim_members(connection: Connection, batch_pk: int, token: int) -> tuple[Claimed, ...]:
    unfinished = deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
    was_sending = deliveries.c.state == DeliveryState.SENDING
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
            deliveries.c.losses,
            deliveries.c.cause,
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
            tries=deliveries.c.tries + case((was_sending, 0), else_=1),
            losses=deliveries.c.losses + case((was_sending, 1), else_=0),
            cause=case((was_sending, int(AttemptCause.WORKER_LOST)), else_=deliveries.c.cause),
        )
    )
    return tuple(_claimed(row) for row in rows)
