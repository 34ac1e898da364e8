"""What waits where: each number is right as far as it is counted, and counting has an end, on both databases."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, text, update

from app.core.clock import AT_ONCE, MINUTE, SECOND
from app.core.partitions import PARTITIONS
from app.core.receiver_health import FAILING_AFTER, HEALTHY
from app.core.states import Mode
from app.store import Store, queues
from app.store.claim import claim_batches, claim_deliveries
from app.store.partitions import take_partition, take_tick_lease
from app.store.queues import PartitionQueue, Tally, read_queues, tick_until, webhook_conditions
from app.store.tables import batches, deliveries, webhooks
from app.store.webhook_health import HealthChange, write_health
from tests.store.rows import NOW, add_webhook, close_buffer, one_webhook, owe
from tests.store.test_claim_plan import plans_of

ROWS = 20_000


def queue(store: Store, number: int = 1) -> PartitionQueue:
    with store.read() as connection:
        return read_queues(connection, NOW)[number]


def test_where_nothing_is_owed_every_number_is_nothing(store: Store) -> None:
    one_webhook(store)
    with store.read() as connection:
        assert read_queues(connection, NOW) == [PartitionQueue(number) for number in range(PARTITIONS)]
        assert tick_until(connection) is None


def test_due_claimed_planned_and_of_another_partition_are_told_apart(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        other = add_webhook(connection, "other", partition=9)
    owe(store, pk, range(1, 6), AT_ONCE)
    owe(store, pk, range(6, 8), NOW - SECOND)
    owe(store, pk, range(8, 9), NOW + 2 * SECOND)
    owe(store, pk, range(9, 10), NOW + MINUTE)
    owe(store, other, range(10, 11), AT_ONCE)
    with store.write() as connection:
        assert take_partition(connection, 1, 7, NOW)
        assert len(claim_deliveries(connection, pk, 7, NOW, 3)) == 3
    found = queue(store)
    assert (found.due, found.in_flight, found.planned) == (Tally(4), Tally(3), Tally(2))
    assert (found.held, found.buffered) == (Tally(), Tally())
    assert (found.engine, found.lease_until) == (7, NOW + 10 * SECOND)
    assert (queue(store, 9).due, queue(store, 9).engine) == (Tally(1), 0)


def test_a_buffer_is_told_apart_and_a_closed_batch_counts_as_one(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=3)
    owe(store, pk, range(1, 7), NOW)
    close_buffer(store, pk)
    owe(store, pk, range(7, 9), NOW + MINUTE)
    assert (queue(store).due, queue(store).buffered) == (Tally(2), Tally(2))
    with store.write() as connection:
        assert len(claim_batches(connection, pk, 7, NOW, 1, 1_000)) == 1
    found = queue(store)
    assert (found.due, found.in_flight, found.planned, found.buffered) == (Tally(1), Tally(1), Tally(), Tally(2))


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_what_a_stopped_webhook_is_owed_is_held(store: Store, state: str) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4), AT_ONCE)
    owe(store, pk, range(4, 5), NOW + MINUTE)
    with store.write() as connection:
        connection.execute(update(webhooks).values(state=state))
    found = queue(store)
    assert (found.held, found.due, found.planned) == (Tally(4), Tally(), Tally())


def test_what_is_due_while_its_receiver_is_waited_for_is_held_and_a_later_try_stays_planned(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4), AT_ONCE)
    owe(store, pk, range(4, 5), NOW + MINUTE)
    with store.write() as connection:
        write_health(connection, [HealthChange(pk, 1, replace(HEALTHY, throttled=True, held_until=NOW + SECOND))])
    found = queue(store)
    assert (found.held, found.due, found.planned) == (Tally(3), Tally(), Tally(1))


def test_counting_ends_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "BUDGET", 0)
    monkeypatch.setattr(queues, "LEAST", 5)
    pk = one_webhook(store)
    owe(store, pk, range(1, 9), AT_ONCE)
    with store.write() as connection:
        second = add_webhook(connection, "second")
    owe(store, second, range(20, 23), AT_ONCE)
    assert queue(store).due == Tally(8, is_least=True)


def test_what_belongs_to_a_deleted_webhook_is_nobodys(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4), AT_ONCE)
    with store.write() as connection:
        connection.execute(update(webhooks).values(deleted_at=NOW))
        assert read_queues(connection, NOW)[1].due == Tally()
        assert webhook_conditions(connection) == {}


def test_webhooks_are_counted_by_state_and_by_the_condition_of_their_receiver(store: Store) -> None:
    one_webhook(store)
    healths = {
        "throttled": replace(HEALTHY, failures=99, misses=99, throttled=True),
        "failing": replace(HEALTHY, failures=FAILING_AFTER, misses=FAILING_AFTER),
        "unsteady": replace(HEALTHY, failures=1, misses=1),
        "waits": replace(HEALTHY, held_until=NOW),
    }
    with store.write() as connection:
        for name, health in healths.items():
            write_health(connection, [HealthChange(add_webhook(connection, name), 1, health)])
        for number, state in enumerate(("paused", "paused", "disabled", "needs_endpoint")):
            add_webhook(connection, f"stopped{number}", state=state)
        assert webhook_conditions(connection) == {
            "healthy": 2,
            "unsteady": 1,
            "failing": 1,
            "throttled": 1,
            "paused": 2,
            "disabled": 1,
            "needs_endpoint": 1,
        }


def test_the_tick_has_its_lease_until(store: Store) -> None:
    take_tick_lease(store, "somebody", NOW, 5 * SECOND)
    with store.read() as connection:
        assert tick_until(connection) == NOW + 5 * SECOND


def test_counting_many_rows_steps_into_the_index_of_what_is_due_and_reads_no_table(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, ROWS + 1))
    with store.write() as connection:
        idle = [add_webhook(connection, f"idle{number}") for number in range(50)]
    for number, one in enumerate(idle):
        owe(store, one, range(ROWS + 10 + number, ROWS + 11 + number), None)
    with store.write() as connection:
        late = deliveries.c.event_seq > ROWS // 2
        connection.execute(update(deliveries).where(late, deliveries.c.due_at.is_not(None)).values(due_at=NOW + MINUTE))
        closed = {"webhook_pk": pk, "attempt_count": 0, "closed_at": NOW, "close_reason": "count"}
        size = {"event_count": 1, "byte_count": 1}
        rows = [{"id": f"b{number}", "due_at": NOW + number, **closed, **size} for number in range(1, ROWS // 10)]
        connection.execute(insert(batches), rows)
    if not store.is_sqlite:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))

    def read(connection: Connection) -> None:
        (found,) = (one for one in read_queues(connection, NOW) if one.due.number)
        assert found.due == Tally(ROWS // 2, is_least=True)
        assert found.planned == Tally(ROWS // 2 + ROWS // 10 - 1, is_least=True)

    plans = plans_of(store, read)
    assert len(plans) == 2
    for plan in plans:
        assert not re.search(r"SCAN (deliveries|batches|d\b)|Seq Scan on (deliveries|batches)", plan), plan
        assert "ix_deliveries_due" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
