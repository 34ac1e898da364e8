"""Retention: exact bytes go after some days, the receipts that tell what became of every event later.

Everything goes in steps of one short transaction each, so that nobody waits long for the write turn. An event goes with
all it was owed, and only when every one of its deliveries has ended: what is pending, being sent, accepted or parked
keeps its event, its attempts and its batch, however old. The accounts are lowered in the same transaction, so the
ledger balances at any moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, delete, func, select

from app.core.clock import DAY, Micros
from app.core.states import DeliveryState
from app.store.accounts import raise_accounts
from app.store.engine import Store
from app.store.replays import ReplayState
from app.store.tables import attempts, batch_requests, batches, contents, deliveries, events, exchanges, webhooks
from app.store.tables_replays import replays

CHUNK = 200
"""Contents or events removed in one step."""
CHUNK_BYTES = 32 * 1024 * 1024
"""Bytes of contents removed in one step."""
CHUNK_DELIVERIES = 2_000
"""Deliveries removed in one step."""
_UNFINISHED = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.PARKED, DeliveryState.ACCEPTED})


def remove_contents(store: Store, now: Micros, keep_days: int) -> int:
    """Remove some contents of days that are over for longer than ``keep_days``; answers how many, 0 = none is left."""
    expired = select(contents.c.digest, func.length(contents.c.body)).where(contents.c.day < now // DAY - keep_days)
    with store.write() as connection:
        rows = connection.execute(expired.limit(CHUNK)).all()
        digests: list[bytes] = []
        size = 0
        for digest, length in rows:
            if digests and size + length > CHUNK_BYTES:
                break
            size += length
            digests.append(digest)
        if digests:
            connection.execute(delete(contents).where(contents.c.digest.in_(digests)))
    return len(digests)


def remove_events(store: Store, before: Micros, after_seq: int) -> int | None:
    """Remove some events received before a moment, with what they were owed.

    Args:
        store: the database.
        before: the moment.
        after_seq: where the last step ended, 0 for the first one.

    Returns:
        Where this step ended; None = nothing as old is left behind ``after_seq``.
    """
    with store.write() as connection:
        old = _old_events(connection, before, after_seq)
        return _remove_owed(connection, old) if old else None


def _remove_owed(connection: Connection, old: Sequence[int]) -> int:
    """Remove the first of these events that have ended, with what they were owed; answers where it stopped."""
    owed = _owed(deliveries, deliveries.c.state, old[0], old[-1])
    rows = connection.execute(owed).all()
    # Locked, so that nobody makes one due again before the end. Only these, and without waiting for anybody: a drain
    # locks the others in an order of its own.
    ended = owed.where(deliveries.c.state.not_in(_UNFINISHED)).with_for_update(of=deliveries, skip_locked=True)
    ours = {(row.webhook_pk, row.event_seq) for row in connection.execute(ended)}
    fan_out = Counter(row.event_seq for row in rows)
    room = accumulate(fan_out[seq] for seq in old)
    last = [seq for seq, number in zip(old, room, strict=True) if number <= CHUNK_DELIVERIES or seq == old[0]][-1]
    kept = {row.event_seq for row in rows if row.state in _UNFINISHED or (row.webhook_pk, row.event_seq) not in ours}
    gone = [seq for seq in old if seq <= last and seq not in kept]
    keys = [(row.webhook_pk, row.event_seq) for row in rows if row.event_seq <= last and row.event_seq not in kept]
    _remove_attempts(connection, old[0], last, kept)
    _remove_by_key(connection, deliveries, keys)
    if gone:
        connection.execute(delete(events).where(events.c.seq.in_(gone)))
    raise_accounts(connection, {pk: -number for pk, number in Counter(pk for pk, _ in keys).items()})
    return last


def _old_events(connection: Connection, before: Micros, after_seq: int) -> list[int]:
    """The next events that are old enough, as many as one step looks at; none that a running replay may still want."""
    statement = select(events.c.seq, events.c.received_at).where(events.c.seq > after_seq)
    wanted = select(func.min(replays.c.after_seq)).where(replays.c.state == ReplayState.RUNNING.value)
    replayed = connection.execute(wanted).scalar_one()
    found = []
    for seq, received_at in connection.execute(statement.order_by(events.c.seq).limit(CHUNK)):
        if received_at >= before or (replayed is not None and seq > replayed):
            break
        found.append(seq)
    return found


def _owed(table: Table, value: ColumnElement[Any], first: int, last: int) -> Select[Any]:
    """Rows of all webhooks for these events. A range of the key for each webhook: no index begins with the event."""
    return select(table.c.webhook_pk, table.c.event_seq, value).where(
        table.c.webhook_pk.in_(select(webhooks.c.pk)), table.c.event_seq.between(first, last)
    )


def _remove_attempts(connection: Connection, first: int, last: int, kept: set[int]) -> None:
    tried = connection.execute(_owed(attempts, attempts.c.exchange_id, first, last))
    rows = [row for row in tried if row.event_seq not in kept]
    numbers = sorted({row.exchange_id for row in rows if row.exchange_id is not None})
    if numbers:
        # The requests of a batch are its members' in common, and go with the batch.
        of_batch = select(batch_requests.c.exchange_id).where(batch_requests.c.exchange_id == exchanges.c.id).exists()
        single = delete(exchanges).where(exchanges.c.id == bindparam("number"), ~of_batch)
        connection.execute(single, [{"number": number} for number in numbers])
    _remove_by_key(connection, attempts, sorted({(row.webhook_pk, row.event_seq) for row in rows}))


def _remove_by_key(connection: Connection, table: Table, keys: Sequence[tuple[int, int]]) -> None:
    if keys:
        one = delete(table).where(table.c.webhook_pk == bindparam("pk"), table.c.event_seq == bindparam("seq"))
        connection.execute(one, [{"pk": pk, "seq": seq} for pk, seq in keys])


def remove_batches(store: Store, before: Micros) -> int:
    """Remove some batches closed before a moment whose members are all gone; answers how many, 0 = none is left."""
    has_members = select(deliveries.c.event_seq).where(deliveries.c.batch_pk == batches.c.pk).exists()
    empty = select(batches.c.pk).where(batches.c.closed_at < before, ~has_members).order_by(batches.c.pk).limit(CHUNK)
    with store.write() as connection:
        pks = list(connection.execute(empty).scalars())
        if pks:
            of_them = batch_requests.c.batch_pk.in_(pks)
            sent = select(batch_requests.c.exchange_id).where(of_them)
            connection.execute(delete(exchanges).where(exchanges.c.id.in_(sent)))
            connection.execute(delete(batch_requests).where(of_them))
            connection.execute(delete(batches).where(batches.c.pk.in_(pks)))
    return len(pks)
