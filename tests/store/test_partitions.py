"""Partition leases: one holder, fencing tokens, orphans; and the fence around late results."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from app.core.clock import AT_ONCE, SECOND
from app.core.receiver_health import HEALTHY
from app.core.states import AttemptOutcome, DeliveryState
from app.store import Store
from app.store.claim import DELIVERY_LEASE, claim_batches, claim_deliveries, return_claimed
from app.store.due import due_partitions, due_webhooks, late_partitions, waiting_since
from app.store.partitions import (
    PARTITION_LEASE,
    end_former_leases,
    new_lease_token,
    release_partitions,
    renew_partitions,
    take_partition,
    take_tick_lease,
)
from app.store.record import AttemptRow, Record, Settled, write_record
from app.store.tables import attempts, contents, deliveries, webhook_health, webhooks
from app.store.webhook_health import HealthChange, write_health
from tests.store.rows import NOW, add_webhook, delivery_rows, one_webhook, owe, states


def take(store: Store, token: int, now: int = NOW, partition: int = 1) -> bool:
    with store.write() as connection:
        return take_partition(connection, partition, token, now)


def test_tokens_only_rise(store: Store) -> None:
    with store.write() as connection:
        first = new_lease_token(connection)
    with store.write() as connection:
        assert new_lease_token(connection) > first > 0


def test_a_partition_has_one_holder_until_the_lease_ends(store: Store) -> None:
    assert take(store, 1)
    assert not take(store, 2)
    assert take(store, 1), "the holder itself may take it again"
    assert not take(store, 2, NOW + PARTITION_LEASE)
    assert take(store, 2, NOW + PARTITION_LEASE + 1)
    assert not take(store, 1, NOW + PARTITION_LEASE + 2)


def test_there_is_no_partition_outside_the_fixed_number(store: Store) -> None:
    assert not take(store, 1, partition=99)


def test_renewing_keeps_what_is_ours_and_tells_what_is_not(store: Store) -> None:
    assert take(store, 1)
    assert take(store, 2, partition=3)
    with store.write() as connection:
        assert renew_partitions(connection, {1, 3}, 1, NOW + 5 * SECOND) == {1}
        assert renew_partitions(connection, set(), 1, NOW) == set()
    assert not take(store, 2, NOW + PARTITION_LEASE + 1), "the renewal counts from its own time"


def test_a_partition_given_back_is_free_at_once_and_only_its_holder_gives_it(store: Store) -> None:
    assert take(store, 1)
    with store.write() as connection:
        release_partitions(connection, {1}, 2)
    assert not take(store, 2)
    with store.write() as connection:
        release_partitions(connection, {1}, 1)
    assert take(store, 2)


def test_claimed_rows_are_not_due_until_their_lease_ends(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 6))
    with store.write() as connection:
        rows = claim_deliveries(connection, pk, 1, NOW, 3)
        assert [(row.event_seq, row.attempt, row.tries, row.orphan) for row in rows] == [
            (1, 1, 1, False),
            (2, 1, 1, False),
            (3, 1, 1, False),
        ]
    with store.write() as connection:
        assert [row.event_seq for row in claim_deliveries(connection, pk, 1, NOW, 10)] == [4, 5]
        assert claim_deliveries(connection, pk, 1, NOW, 10) == []
        assert due_webhooks(connection, {1}, NOW) == []
        late = claim_deliveries(connection, pk, 2, NOW + DELIVERY_LEASE, 10)
    assert states(store, pk) == [DeliveryState.SENDING] * 5
    assert [row.event_seq for row in late] == [1, 2, 3, 4, 5]
    assert {(row.attempt, row.orphan) for row in late} == {(2, True)}


def test_what_a_dead_holder_left_in_flight_is_due_with_the_next_holder(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3))
    assert take(store, 1)
    with store.write() as connection:
        claim_deliveries(connection, pk, 1, NOW, 10)
    later = NOW + PARTITION_LEASE + 1
    with store.read() as connection:
        assert due_webhooks(connection, {1}, later) == []
    assert take(store, 2, later)
    with store.read() as connection:
        assert due_partitions(connection, later) == [1]
    assert states(store, pk) == [DeliveryState.SENDING] * 2
    with store.write() as connection:
        assert [row.orphan for row in claim_deliveries(connection, pk, 2, later, 10)] == [True, True]


def test_a_partition_whose_holder_fell_silent_is_due_though_nothing_in_it_is(store: Store) -> None:
    pk = one_webhook(store, partition=3)
    owe(store, pk, range(1, 2), NOW)
    assert take(store, 1, partition=3)
    with store.write() as connection:
        assert len(claim_deliveries(connection, pk, 1, NOW, 10)) == 1
    with store.read() as connection:
        assert due_partitions(connection, NOW + PARTITION_LEASE) == [], "its holder may still be at work"
        assert due_partitions(connection, NOW + PARTITION_LEASE + 1) == [3]


def test_the_next_life_of_a_worker_ends_the_leases_of_its_last_and_of_nobody_else(store: Store) -> None:
    for partition, token, seat in ((1, 11, "worker-1"), (2, 11, "worker-1"), (3, 12, "worker-2"), (4, 13, None)):
        with store.write() as connection:
            assert take_partition(connection, partition, token, NOW, seat)
    with store.write() as connection:
        release_partitions(connection, [2], 11)
        assert end_former_leases(connection, "worker-1") == {1}
    assert take(store, 14, NOW + 1, partition=1)
    assert not take(store, 14, NOW + 1, partition=3)
    assert not take(store, 14, NOW + 1, partition=4)


def test_retries_of_the_future_are_no_orphans(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 2), NOW + 60 * SECOND)
    assert take(store, 1)
    with store.read() as connection:
        assert due_partitions(connection, NOW) == []


def test_a_late_result_of_a_fenced_holder_is_refused(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3))
    with store.write() as connection:
        claim_deliveries(connection, pk, 1, NOW, 10)
        connection.execute(update(deliveries).where(deliveries.c.event_seq == 1).values(lease_token=2))
    settled = [Settled(pk, seq, DeliveryState.DELIVERED, None) for seq in (1, 2)]
    with store.write() as connection:
        assert write_record(connection, Record(settled=settled), 1) == 1
    assert states(store, pk) == [DeliveryState.SENDING, DeliveryState.DELIVERED]
    assert [row.lease_token for row in delivery_rows(store, pk)] == [2, None]


def test_the_first_record_of_an_attempt_stays(store: Store) -> None:
    pk = one_webhook(store)
    unknown = AttemptRow(pk, 1, 1, NOW, AttemptOutcome.UNKNOWN, None, None)
    late = AttemptRow(pk, 1, 1, NOW, AttemptOutcome.DELIVERED, 200, None)
    for row in (unknown, late):
        with store.write() as connection:
            write_record(connection, Record(attempts=[row]), 1)
    with store.read() as connection:
        assert connection.execute(select(attempts.c.outcome)).scalars().all() == [AttemptOutcome.UNKNOWN]


def test_a_claim_that_was_never_tried_burns_nothing(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 2))
    with store.write() as connection:
        claim_deliveries(connection, pk, 1, NOW, 1)
        back = Settled(pk, 1, DeliveryState.PENDING, NOW, attempts_undone=1, tries_undone=1)
        write_record(connection, Record(settled=[back]), 1)
    (row,) = delivery_rows(store, pk)
    assert (row.attempt_count, row.tries, row.due_at, row.lease_token) == (0, 0, NOW, None)


def test_exact_bytes_are_stored_once_per_content(store: Store) -> None:
    fresh = [(b"a" * 16, 20_000, b"hello"), (b"b" * 16, 20_000, b"other")]
    for _ in range(2):
        with store.write() as connection:
            write_record(connection, Record(contents=[*fresh, fresh[0]]), 1)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(contents)).scalar_one() == 2


def test_the_due_partitions_are_those_with_something_to_do_now(store: Store) -> None:
    pk = one_webhook(store, partition=7)
    with store.read() as connection:
        assert due_partitions(connection, NOW) == []
    owe(store, pk, range(1, 2), NOW + 1)
    with store.read() as connection:
        assert due_partitions(connection, NOW) == []
        assert due_partitions(connection, NOW + 1) == [7]
        assert claim_batches(connection, pk, 1, NOW, 1, 1) == []
        version = connection.execute(select(webhooks.c.version)).scalar_one()
        (found,) = due_webhooks(connection, {6, 7}, NOW + 1)
        assert (found.pk, found.version, found.partition, found.health) == (pk, version, 7, HEALTHY)
        assert due_webhooks(connection, {6}, NOW + 1) == []


def test_a_stopped_webhook_and_one_that_is_held_back_have_nothing_to_do(store: Store) -> None:
    pk = one_webhook(store, partition=7)
    owe(store, pk, range(1, 2), AT_ONCE)
    health = replace(HEALTHY, failures=3, held_until=NOW + SECOND, throttled=True, reason="slowly")
    with store.write() as connection:
        write_health(connection, [HealthChange(pk, 1, health)])
        assert (due_partitions(connection, NOW), due_webhooks(connection, {7}, NOW)) == ([], [])
        assert due_partitions(connection, NOW + SECOND) == [7]
        (found,) = due_webhooks(connection, {7}, NOW + SECOND)
        assert found.health == health
        write_health(connection, [HealthChange(pk, 1, HEALTHY)])
        assert due_partitions(connection, NOW) == [7]
        connection.execute(webhooks.update().values(state="paused"))
        assert (due_partitions(connection, NOW), due_webhooks(connection, {7}, NOW)) == ([], [])


def test_an_engine_that_knows_an_older_webhook_says_nothing_of_its_health(store: Store) -> None:
    pk = one_webhook(store, version=2)
    with store.write() as connection:
        write_health(connection, [HealthChange(pk, 1, replace(HEALTHY, failures=9))])
        assert connection.execute(select(func.count()).select_from(webhook_health)).scalar_one() == 0


def test_late_is_what_waits_since_it_was_received_or_since_its_retry_was_due(store: Store) -> None:
    pk = one_webhook(store, partition=7)
    owe(store, pk, range(1, 2), AT_ONCE)
    with store.write() as connection:
        assert late_partitions(connection, NOW - 1) == []
        assert late_partitions(connection, NOW) == [7]
        connection.execute(update(deliveries).values(due_at=NOW + SECOND))
        assert late_partitions(connection, NOW) == []
        assert late_partitions(connection, NOW + SECOND) == [7]


def test_what_waits_is_told_by_partition_with_the_moment_since_when_the_oldest_could_be_sent(store: Store) -> None:
    first = one_webhook(store, partition=7)
    with store.write() as connection:
        second = add_webhook(connection, "second", partition=7)
        third = add_webhook(connection, "third", partition=2)
        held = add_webhook(connection, "paused", partition=3, state="paused")
    with store.read() as connection:
        assert waiting_since(connection, NOW) == {}
    owe(store, first, range(1, 2), AT_ONCE)
    owe(store, second, range(2, 3), NOW - 5 * SECOND)
    owe(store, third, range(3, 4), NOW + SECOND)
    owe(store, held, range(4, 5), AT_ONCE)
    with store.read() as connection:
        assert waiting_since(connection, NOW) == {7: NOW - 5 * SECOND}
        assert waiting_since(connection, NOW + SECOND) == {7: NOW - 5 * SECOND, 2: NOW + SECOND}


def test_first_attempts_come_in_ledger_order_and_before_retries(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4), NOW - SECOND)
    owe(store, pk, range(4, 7), AT_ONCE)
    with store.write() as connection:
        assert [row.event_seq for row in claim_deliveries(connection, pk, 1, NOW, 4)] == [4, 5, 6, 1]
        assert [row.event_seq for row in claim_deliveries(connection, pk, 1, NOW, 4, after=AT_ONCE)] == [2, 3]


def test_an_orphan_keeps_its_place_and_its_try_and_counts_the_loss(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4), AT_ONCE)
    assert take(store, 1)
    with store.write() as connection:
        claim_deliveries(connection, pk, 1, NOW, 2)
    later = NOW + PARTITION_LEASE + 1
    assert take(store, 2, later)
    with store.write() as connection:
        rows = claim_deliveries(connection, pk, 2, later, 10)
    found = [(row.event_seq, row.attempt, row.tries, row.losses, row.orphan) for row in rows]
    assert found == [(1, 2, 1, 1, True), (2, 2, 1, 1, True), (3, 1, 1, 0, False)]
    assert [(row.attempt_count, row.tries, row.losses) for row in delivery_rows(store, pk)] == [
        (2, 1, 1),
        (2, 1, 1),
        (1, 1, 0),
    ]


def test_a_claim_that_is_undone_leaves_no_trace(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3), AT_ONCE)
    assert take(store, 1)
    with store.write() as connection:
        claim_deliveries(connection, pk, 1, NOW, 1)
    assert take(store, 2, NOW + PARTITION_LEASE + 1)
    with store.write() as connection:
        connection.execute(update(deliveries).values(lease_token=None))
    before = delivery_rows(store, pk)
    with store.write() as connection:
        return_claimed(connection, claim_deliveries(connection, pk, 2, NOW + PARTITION_LEASE + 1, 10))
    assert delivery_rows(store, pk) == before


@pytest.mark.parametrize(("owner", "after", "expected"), [("a", 1, True), ("b", 1, False), ("b", 11, True)])
def test_one_tick_at_a_time(store: Store, owner: str, after: int, expected: bool) -> None:  # noqa: FBT001 - a table
    assert take_tick_lease(store, "a", NOW, 10)
    assert take_tick_lease(store, owner, NOW + after, 10) is expected
