"""Receipts: what a receiver took and has not confirmed, from the record of the answer to the word that ends the wait.

A receipt is written in the transaction that makes its deliveries *accepted*, and deleted in the one that ends that
state. So whoever dies in between leaves both or neither, and the next holder of the partition goes on asking.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, literal_column, or_, select, text, update

from app.core.clock import Micros
from app.core.states import AttemptCause, AttemptOutcome, DeliveryState
from app.store.bulk import bulk_insert
from app.store.tables import attempts, batches, deliveries
from app.store.tables_receipts import receipts


class ReceiptRow(NamedTuple):
    """One receipt; see the ``receipts`` table."""

    exchange_id: int
    webhook_pk: int
    first_seq: int
    last_seq: int
    batch_pk: int | None
    place: bytes
    channel: str
    receipt: str | None
    accepted_at: Micros
    poll_at: Micros
    expires_at: Micros
    trouble: str | None = None


class AcceptedMember(NamedTuple):
    """One delivery that waits for a confirmation; ``attempt`` and ``tries`` as it was sent."""

    event_seq: int
    attempt: int
    tries: int


class Unconfirmed(NamedTuple):
    """What becomes of a delivery whose receipt expired, and of the attempt that brought it."""

    webhook_pk: int
    event_seq: int
    attempt: int
    state: DeliveryState
    due_at: Micros | None
    reason: str | None
    outcome: AttemptOutcome
    error_class: str
    detail: str


class WaitingReceipts(NamedTuple):
    """The receipts of one webhook. ``trouble`` is why asking about some of them brought no word."""

    waiting: int
    overdue: int
    oldest_accepted_at: Micros
    next_poll_at: Micros
    trouble: str | None


def write_receipts(connection: Connection, rows: Sequence[ReceiptRow]) -> None:
    """Store receipts.

    A receipt that is given out once more says that the receiver counts anew, after a restart perhaps. The earlier one
    can then not be asked about any more: its answer would be the later one's.
    """
    latest = {(row.webhook_pk, row.channel, row.receipt): row.exchange_id for row in rows}
    again = [{"pk": pk, "of": channel, "number": receipt} for pk, channel, receipt in latest]
    connection.execute(_GIVEN_OUT_AGAIN, again)
    stored = [
        row if latest[row.webhook_pk, row.channel, row.receipt] == row.exchange_id else row._replace(receipt=None)
        for row in rows
    ]
    bulk_insert(connection, receipts, ReceiptRow._fields, stored)


_GIVEN_OUT_AGAIN = (
    update(receipts)
    .where(
        receipts.c.webhook_pk == bindparam("pk"),
        receipts.c.channel == bindparam("of"),
        receipts.c.receipt == bindparam("number"),
    )
    .values(receipt=None, poll_at=receipts.c.accepted_at)
)


def due_receipts(connection: Connection, webhook_pk: int, now: Micros, limit: int) -> list[ReceiptRow]:
    """Receipts of a webhook that are to be asked about now, the longest due first."""
    rows = connection.execute(
        select(receipts)
        .where(receipts.c.webhook_pk == webhook_pk, receipts.c.poll_at <= now)
        .order_by(receipts.c.poll_at, receipts.c.exchange_id)
        .limit(limit)
    )
    return [ReceiptRow(*row) for row in rows]


def ask_later(connection: Connection, rows: Sequence[ReceiptRow]) -> None:
    """Note when receipts are asked about next, and why the last time brought no word."""
    if rows:
        moments = [{"number": row.exchange_id, "at": row.poll_at, "words": row.trouble} for row in rows]
        connection.execute(_ASK_LATER, moments)


_ASK_LATER = (
    update(receipts)
    .where(receipts.c.exchange_id == bindparam("number"))
    .values(poll_at=bindparam("at"), trouble=bindparam("words"))
)

# The look-up by key is a scalar sub-query, which no planner turns into a walk through all attempts.
_SENT_AS = (
    select(attempts.c.exchange_id)
    .where(
        attempts.c.webhook_pk == deliveries.c.webhook_pk,
        attempts.c.event_seq == deliveries.c.event_seq,
        attempts.c.n == deliveries.c.attempt_count,
    )
    .correlate(deliveries)
    .scalar_subquery()
)
_FIRST: BindParameter[int] = bindparam("first")
_LAST: BindParameter[int] = bindparam("last")
_NUMBER: BindParameter[int] = bindparam("number")
_WAITS_FOR_IT = (
    deliveries.c.webhook_pk == bindparam("pk"),
    deliveries.c.event_seq.between(_FIRST, _LAST),
    deliveries.c.state == DeliveryState.ACCEPTED,
    _SENT_AS == _NUMBER,
)
_CONFIRM = update(deliveries).where(*_WAITS_FOR_IT).values(state=DeliveryState.DELIVERED, reason=None)
_CONFIRM_ATTEMPTS = (
    update(attempts)
    .where(
        attempts.c.webhook_pk == bindparam("pk"),
        attempts.c.event_seq.between(_FIRST, _LAST),
        attempts.c.exchange_id == _NUMBER,
        attempts.c.outcome == AttemptOutcome.UNCONFIRMED,
    )
    .values(outcome=AttemptOutcome.DELIVERED, detail=bindparam("words"))
)
_MEMBERS = (
    select(deliveries.c.event_seq, deliveries.c.attempt_count, deliveries.c.tries)
    .where(*_WAITS_FOR_IT)
    .order_by(deliveries.c.event_seq)
)


def confirm(connection: Connection, confirmed: Sequence[tuple[ReceiptRow, str]]) -> None:
    """The receiver has what these receipts stand for, so it is delivered; each comes with words for history.

    Deliveries that were settled otherwise meanwhile stay as they are.
    """
    if confirmed:
        # In ledger order, as everybody who locks many deliveries does.
        confirmed = sorted(confirmed, key=lambda one: one[0][1:3])
        connection.execute(_CONFIRM, [_range(row) for row, _ in confirmed])
        connection.execute(_CONFIRM_ATTEMPTS, [_range(row) | {"words": words} for row, words in confirmed])
        forget_receipts(connection, [row for row, _ in confirmed])


def forget_receipts(connection: Connection, rows: Sequence[ReceiptRow]) -> None:
    """The wait for these is over."""
    if rows:
        one = delete(receipts).where(receipts.c.exchange_id == bindparam("number"))
        connection.execute(one, [{"number": row.exchange_id} for row in rows])


def accepted_members(connection: Connection, row: ReceiptRow) -> list[AcceptedMember]:
    """The deliveries that still wait for this receipt, in ledger order."""
    return [AcceptedMember(*member) for member in connection.execute(_MEMBERS, _range(row))]


def _range(row: ReceiptRow) -> dict[str, Any]:
    return {"pk": row.webhook_pk, "first": row.first_seq, "last": row.last_seq, "number": row.exchange_id}


def make_batch_due(connection: Connection, batch_pk: int, due_at: Micros) -> bool:
    """Have a batch look after members of it that came back; False while it is on its way with others."""
    waiting = update(batches).where(batches.c.pk == batch_pk, batches.c.lease_token.is_(None))
    return connection.execute(waiting.values(due_at=func.coalesce(batches.c.due_at, due_at))).rowcount == 1


def settle_unconfirmed(connection: Connection, rows: Sequence[Unconfirmed]) -> None:
    """Write what becomes of deliveries whose receipt expired."""
    if rows:
        connection.execute(_SETTLE, [row._asdict() | {"cause": AttemptCause.UNCONFIRMED} for row in rows])
        connection.execute(_SETTLE_ATTEMPTS, [row._asdict() for row in rows])


_SETTLE = text("""
    UPDATE deliveries SET state = :state, due_at = :due_at, reason = :reason, cause = :cause
    WHERE webhook_pk = :webhook_pk AND event_seq = :event_seq AND state = 6
""")
_SETTLE_ATTEMPTS = text("""
    UPDATE attempts SET outcome = :outcome, error_class = :error_class, detail = :detail
    WHERE webhook_pk = :webhook_pk AND event_seq = :event_seq AND n = :attempt
""")


def accepted_left(connection: Connection, webhook_pk: int, limit: int) -> Sequence[int]:
    """Accepted deliveries about which nobody asks any more, up to a limit; their receipts are removed."""
    mine = receipts.c.webhook_pk == webhook_pk
    # The literal lets SQLite see that the index of what ended badly holds them all.
    accepted = (deliveries.c.state == DeliveryState.ACCEPTED, deliveries.c.state > literal_column("2"))
    oldest = select(deliveries.c.event_seq).where(deliveries.c.webhook_pk == webhook_pk, *accepted)
    found = connection.execute(oldest.order_by(deliveries.c.event_seq).limit(limit).with_for_update()).scalars().all()
    connection.execute(
        delete(receipts).where(mine, receipts.c.last_seq <= found[-1]) if found else delete(receipts).where(mine)
    )
    return found


def waiting_receipts(connection: Connection, webhook_pks: Collection[int], now: Micros) -> dict[int, WaitingReceipts]:
    """What waits for the receivers' confirmation; a webhook of which nothing waits is left out."""
    counted = connection.execute(
        select(
            receipts.c.webhook_pk,
            func.count(),
            func.count().filter(or_(receipts.c.expires_at <= now, receipts.c.trouble.is_not(None))),
            func.min(receipts.c.accepted_at),
            func.min(receipts.c.poll_at),
            func.max(receipts.c.trouble),
        )
        .where(receipts.c.webhook_pk.in_(webhook_pks))
        .group_by(receipts.c.webhook_pk)
    )
    return {row[0]: WaitingReceipts(*row[1:]) for row in counted}


def receipt_of(connection: Connection, webhook_pk: int, event_seq: int, attempt: int) -> ReceiptRow | None:
    """The receipt that one attempt of a delivery waits for, or None."""
    sent = select(attempts.c.exchange_id).where(
        attempts.c.webhook_pk == webhook_pk, attempts.c.event_seq == event_seq, attempts.c.n == attempt
    )
    found = connection.execute(select(receipts).where(receipts.c.exchange_id == sent.scalar_subquery())).one_or_none()
    return None if found is None else ReceiptRow(*found)
