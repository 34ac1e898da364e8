"""Closing batches: by count, by age, oldest first, members fixed from then on."""

from __future__ import annotations

from app.core.clock import SECOND
from app.core.states import DeliveryState, Mode
from app.store import Store
from app.store.batches import batch_webhooks, buffered_count, close_batch
from app.store.claim import DELIVERY_LEASE, claim_batches
from app.store.record import Record, Settled, SettledBatch, write_record
from tests.store.rows import NOW, add_webhook, batch_rows, delivery_rows, one_webhook, owe, states


def test_only_enabled_batch_webhooks_of_held_partitions_close_batches(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    with store.write() as connection:
        add_webhook(connection, "instant")
        add_webhook(connection, "paused", mode=Mode.BATCH, state="paused")
        add_webhook(connection, "elsewhere", mode=Mode.BATCH, partition=2)
        assert batch_webhooks(connection, {1, 5}) == [(pk, 3)]


def test_the_buffer_counts_what_no_batch_has_yet_up_to_a_limit(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4), NOW)
    owe(store, pk, range(4, 6), NOW + 60 * SECOND)
    owe(store, pk, range(6, 7), None)
    with store.write() as connection:
        assert buffered_count(connection, pk, 100) == 5
        assert buffered_count(connection, pk, 2) == 2
        assert buffered_count(connection, pk, 100, due_by=NOW) == 3
        close_batch(connection, pk, "bat_a", NOW, max_events=4, reason="count")
        assert buffered_count(connection, pk, 100) == 1


def test_a_closed_batch_takes_the_oldest_and_counts_them(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 6))
    with store.write() as connection:
        assert close_batch(connection, pk, "bat_a", NOW, max_events=3, reason="count") == 3
        assert close_batch(connection, pk, "bat_b", NOW, max_events=3, reason="age") == 2
        assert close_batch(connection, pk, "bat_c", NOW, max_events=3, reason="age") == 0
    found = [(batch.id, batch.event_count, batch.close_reason, batch.due_at) for batch in batch_rows(store, pk)]
    assert found == [("bat_a", 3, "count", NOW), ("bat_b", 2, "age", NOW)]
    first, second = (batch.pk for batch in batch_rows(store, pk))
    assert [row.batch_pk for row in delivery_rows(store, pk)] == [first] * 3 + [second] * 2


def test_a_batch_larger_than_one_statement_keeps_all_its_members(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 1_203))
    with store.write() as connection:
        assert close_batch(connection, pk, "bat_a", NOW, max_events=1_201, reason="count") == 1_201
        (batch,) = claim_batches(connection, pk, 1, NOW, 1)
    assert len(batch.members) == 1_201


def test_a_retry_claims_only_unfinished_members_of_the_same_batch(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    retry_at = NOW + 60 * SECOND
    with store.write() as connection:
        close_batch(connection, pk, "bat_a", NOW, max_events=3, reason="count")
        (batch,) = claim_batches(connection, pk, 1, NOW, 1)
        settled = [
            Settled(pk, 1, DeliveryState.DELIVERED, None),
            Settled(pk, 2, DeliveryState.PENDING, None),
            Settled(pk, 3, DeliveryState.FAILED, None, "no"),
        ]
        write_record(connection, Record(settled=settled, batches=[SettledBatch(batch.pk, retry_at)]), 1)
        assert claim_batches(connection, pk, 1, retry_at - 1, 1) == []
        (again,) = claim_batches(connection, pk, 1, retry_at, 1)
    assert (again.id, again.attempt, again.orphan) == ("bat_a", 2, False)
    assert [(row.event_seq, row.attempt, row.orphan) for row in again.members] == [(2, 2, False)]
    assert states(store, pk) == [DeliveryState.DELIVERED, DeliveryState.SENDING, DeliveryState.FAILED]


def test_a_batch_in_flight_when_its_holder_died_is_an_orphan(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 3))
    with store.write() as connection:
        close_batch(connection, pk, "bat_a", NOW, max_events=3, reason="age")
        claim_batches(connection, pk, 1, NOW, 1)
        (again,) = claim_batches(connection, pk, 2, NOW + DELIVERY_LEASE, 1)
    assert again.orphan
    assert [row.orphan for row in again.members] == [True, True]
