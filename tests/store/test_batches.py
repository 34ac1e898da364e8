"""Closing batches: by count, by bytes, by age, oldest first, members fixed from then on."""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.clock import MINUTE, SECOND, Micros
from app.core.states import CloseReason, DeliveryState, Mode
from app.store import Store, open_store
from app.store.batches import CLOSINGS, ClosedBatch, close_all, close_full
from app.store.buffers import CLOCK_SLACK, Buffer, buffers_to_look_at, count_new, has_waited, lock_buffer
from app.store.claim import DELIVERY_LEASE, claim_batches
from app.store.due import due_partitions
from app.store.record import Record, Settled, SettledBatch, write_record
from tests.databases import Postgres
from tests.store.rows import BODY, NOW, add_webhook, batch_rows, close_buffer, delivery_rows, one_webhook, owe, states

LATER = NOW + 60 * SECOND
MUCH = 10**9


def count(store: Store, pk: int) -> Buffer:
    with store.write() as connection:
        return count_new(connection, lock_buffer(connection, pk))


def closed_when_full(store: Store, pk: int) -> list[ClosedBatch]:
    with store.write() as connection:
        counted = count_new(connection, lock_buffer(connection, pk))
        return close_full(connection, counted, NOW, secrets.token_bytes)[0]


def looked_at(store: Store, held: set[int], now: Micros = NOW) -> list[int]:
    with store.write() as connection:
        return [buffer.webhook_pk for buffer in buffers_to_look_at(connection, held, now, 10)]


def test_only_batch_webhooks_of_held_partitions_whose_buffers_grew_are_looked_at(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    with store.write() as connection:
        others = [
            add_webhook(connection, "instant"),
            add_webhook(connection, "paused", mode=Mode.BATCH, state="paused"),
            add_webhook(connection, "elsewhere", mode=Mode.BATCH, partition=2),
        ]
    assert looked_at(store, {1, 5}) == []
    for first, webhook in enumerate((pk, *others)):
        owe(store, webhook, range(10 * first + 1, 10 * first + 2), LATER)
    assert looked_at(store, {1, 5}) == [pk]
    count(store, pk)
    assert looked_at(store, {1, 5}) == [], "what was counted once is not looked at again"
    assert looked_at(store, {1, 5}, LATER) == [pk], "until it is old enough"


def test_a_disabled_webhook_with_an_open_buffer_is_looked_at_until_it_is_closed(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, state="disabled")
    owe(store, pk, range(1, 3), LATER)
    assert looked_at(store, {1}) == [pk]
    with store.read() as connection:
        assert due_partitions(connection, NOW) == [1], "the tick rings for it"
    (batch,) = close_buffer(store, pk, CloseReason.DISABLED)
    assert (batch.reason, batch.event_count) == (CloseReason.DISABLED, 2)
    assert states(store, pk) == [DeliveryState.PENDING] * 2
    assert looked_at(store, {1}) == []


def test_every_delivery_is_counted_once(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=100)
    owe(store, pk, range(1, 4), LATER)
    assert count(store, pk).events == 3
    owe(store, pk, range(4, 6), LATER)
    owe(store, pk, range(6, 7), None)
    counted = count(store, pk)
    assert (counted.events, counted.bytes, counted.counted_seq) == (5, 5 * (len(BODY) + 1), 6)
    assert count(store, pk) == counted


def test_an_event_written_while_the_clock_is_set_back_is_counted_too(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=2)
    owe(store, pk, range(1, 2), LATER)
    count(store, pk)
    owe(store, pk, range(2, 3), LATER - 120 * MINUTE)
    assert [batch.reason for batch in closed_when_full(store, pk)] == [CloseReason.COUNT]


@pytest.mark.parametrize(("set_back", "expected"), [(CLOCK_SLACK - SECOND, False), (CLOCK_SLACK + SECOND, True)])
def test_a_buffer_filled_before_the_clock_was_set_back_has_waited_long_enough(
    store: Store, set_back: Micros, *, expected: bool
) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 2), LATER)
    count(store, pk)
    now = NOW - set_back
    with store.write() as connection:
        assert has_waited(connection, lock_buffer(connection, pk), now) is expected
        assert due_partitions(connection, now) == ([1] if expected else [])


def test_full_batches_close_by_count_and_the_rest_waits(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 3), LATER)
    assert closed_when_full(store, pk) == []
    owe(store, pk, range(3, 9), LATER)
    assert [batch.event_count for batch in closed_when_full(store, pk)] == [3, 3]
    assert closed_when_full(store, pk) == []
    assert count(store, pk).events == 2
    first, second = (batch.pk for batch in batch_rows(store, pk))
    assert [row.batch_pk for row in delivery_rows(store, pk)] == [first] * 3 + [second] * 3 + [None] * 2


def test_a_batch_closes_by_bytes_with_as_many_events_as_fit(store: Store) -> None:
    each = len(BODY) + 1
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=100, batch_max_bytes=2 * each + 3)
    owe(store, pk, range(1, 3), LATER)
    assert closed_when_full(store, pk) == []
    owe(store, pk, range(3, 4), LATER)
    (batch,) = closed_when_full(store, pk)
    assert (batch.reason, batch.event_count, batch.byte_count) == (CloseReason.BYTES, 2, 2 * each)
    (stored,) = batch_rows(store, pk)
    assert (stored.close_reason, stored.byte_count, stored.event_count) == ("bytes", 2 * each, 2)
    assert count(store, pk).events == 1


def test_an_event_larger_than_a_batch_is_a_batch_of_its_own(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=100, batch_max_bytes=5)
    owe(store, pk, range(1, 4), LATER)
    assert [(one.reason, one.event_count) for one in closed_when_full(store, pk)] == [(CloseReason.BYTES, 1)] * 3


def test_one_transaction_closes_no_more_than_a_few_batches(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=1)
    owe(store, pk, range(1, CLOSINGS + 3), LATER)
    assert len(close_buffer(store, pk)) == CLOSINGS
    assert looked_at(store, {1}) == [pk], "the rest is not forgotten"
    assert len(close_buffer(store, pk)) == 2


def test_closing_takes_the_oldest_first_and_says_which_were_full(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 6))
    closed = close_buffer(store, pk)
    assert [(one.event_count, one.reason) for one in closed] == [(3, CloseReason.COUNT), (2, CloseReason.AGE)]
    assert close_buffer(store, pk) == []
    found = [(batch.id, batch.event_count, batch.close_reason, batch.due_at) for batch in batch_rows(store, pk)]
    assert found == [(closed[0].id, 3, "count", NOW), (closed[1].id, 2, "age", NOW)]


def test_a_batch_of_many_keeps_all_its_members(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=1_201)
    owe(store, pk, range(1, 1_203))
    assert [one.event_count for one in close_buffer(store, pk)] == [1_201, 1]
    with store.write() as connection:
        (batch,) = claim_batches(connection, pk, 1, NOW, 1, MUCH)
    assert len(batch.members) == 1_201


def test_a_closing_that_was_not_committed_closed_nothing(store: Store) -> None:
    """A worker killed while it builds a batch."""
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    with store.engine.connect() as connection, connection.begin() as transaction:
        assert close_all(connection, lock_buffer(connection, pk), NOW, secrets.token_bytes, CloseReason.AGE)
        transaction.rollback()
    assert batch_rows(store, pk) == []
    assert [one.event_count for one in close_buffer(store, pk)] == [3]


def test_no_batch_is_claimed_beyond_the_room_for_bytes(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 7))
    close_buffer(store, pk)
    with store.write() as connection:
        assert claim_batches(connection, pk, 1, NOW, 2, 0) == []
        assert len(claim_batches(connection, pk, 1, NOW, 2, 1)) == 1


def test_a_retry_claims_only_unfinished_members_of_the_same_batch(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    retry_at = NOW + 60 * SECOND
    (closed,) = close_buffer(store, pk)
    with store.write() as connection:
        (batch,) = claim_batches(connection, pk, 1, NOW, 1, MUCH)
        settled = [
            Settled(pk, 1, DeliveryState.DELIVERED, None),
            Settled(pk, 2, DeliveryState.PENDING, None),
            Settled(pk, 3, DeliveryState.FAILED, None, "no"),
        ]
        write_record(connection, Record(settled=settled, batches=[SettledBatch(batch.pk, retry_at)]), 1)
        assert claim_batches(connection, pk, 1, retry_at - 1, 1, MUCH) == []
        (again,) = claim_batches(connection, pk, 1, retry_at, 1, MUCH)
    assert (again.id, again.attempt, again.orphan) == (closed.id, 2, False)
    assert [(row.event_seq, row.attempt, row.orphan) for row in again.members] == [(2, 2, False)]
    assert states(store, pk) == [DeliveryState.DELIVERED, DeliveryState.SENDING, DeliveryState.FAILED]


def test_a_batch_in_flight_when_its_holder_died_is_an_orphan(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 3))
    close_buffer(store, pk)
    with store.write() as connection:
        claim_batches(connection, pk, 1, NOW, 1, MUCH)
        (again,) = claim_batches(connection, pk, 2, NOW + DELIVERY_LEASE, 1, MUCH)
    assert again.orphan
    assert [row.orphan for row in again.members] == [True, True]


def test_however_many_close_at_once_each_delivery_gets_into_one_batch(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=7)
    owe(store, pk, range(1, 31), LATER)
    with ThreadPoolExecutor(4) as pool:
        closings = [pool.submit(close_buffer, store, pk, CloseReason.HAND) for _ in range(8)]
    found = [batch for closing in closings for batch in closing.result()]
    assert sorted(batch.event_count for batch in found) == [2, 7, 7, 7, 7]
    members = Counter(row.batch_pk for row in delivery_rows(store, pk))
    assert members == {batch.pk: batch.event_count for batch in batch_rows(store, pk)}


@pytest.mark.postgres
def test_a_look_leaves_a_webhook_alone_that_somebody_else_is_closing(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        store = open_store(url)
        pk = one_webhook(store, mode=Mode.BATCH)
        owe(store, pk, range(1, 3), LATER)
        with store.write() as connection:
            lock_buffer(connection, pk)
            assert looked_at(store, {1}) == []
        assert looked_at(store, {1}) == [pk]
        store.close()
