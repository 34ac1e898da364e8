"""Numbers by the minute: what they count, and that folding them into hours changes no sum."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Micros
from app.core.states import DeliveryState
from app.store import Store, open_store
from app.store.record import ExchangeRow, Record, Settled
from app.store.tables_traffic import WITHIN_MS, event_traffic, webhook_traffic
from app.store.traffic import KEPT, count_events, count_results, count_unconfirmed, fold_minutes
from tests.store.rows import NOW
from tests.store.test_claim_plan import plans_of

THIS_HOUR = NOW - NOW % HOUR


def settled(pk: int, state: DeliveryState, **more: int) -> Settled:
    return Settled(pk, 1, state, None, **more)


def exchange(pk: int, took: Micros) -> ExchangeRow:
    return ExchangeRow(1, pk, NOW, "m", "", None, None, None, None, False, "", 0, 0, 0, 0, took)


def count(store: Store, *states: DeliveryState, pk: int = 1, at: Micros = NOW, took: tuple[Micros, ...] = ()) -> None:
    record = Record(settled=[settled(pk, state) for state in states], exchanges=[exchange(pk, one) for one in took])
    with store.write() as connection:
        count_results(connection, record, at)


def numbers(store: Store, **wanted: int) -> list[dict[str, Any]]:
    with store.read() as connection:
        statement = select(webhook_traffic).filter_by(**wanted).order_by(*webhook_traffic.primary_key)
        return [dict(row) for row in connection.execute(statement).mappings()]


def fold(store: Store, now: Micros) -> None:
    with store.write() as connection:
        while fold_minutes(connection, now):
            pass


def test_what_the_receiver_took_is_delivered_and_what_is_tried_again_is_told_apart(store: Store) -> None:
    count(store, DeliveryState.DELIVERED, DeliveryState.ACCEPTED, DeliveryState.PENDING, DeliveryState.FAILED)
    count(store, DeliveryState.DELIVERED, DeliveryState.SKIPPED, DeliveryState.PARKED)
    (row,) = numbers(store)
    assert (row["minute"], row["delivered"], row["retried"], row["failed"]) == (NOW // MINUTE, 3, 1, 1)


def test_what_was_claimed_and_not_tried_is_not_counted(store: Store) -> None:
    with store.write() as connection:
        count_results(connection, Record(settled=[settled(1, DeliveryState.PENDING, attempts_undone=1)]), NOW)
    assert numbers(store) == []


@pytest.mark.parametrize(
    ("took", "column"),
    [
        (0, "within_5_ms"),
        (5 * MILLISECOND, "within_5_ms"),
        (5 * MILLISECOND + 1, "within_10_ms"),
        (10 * SECOND, "within_10000_ms"),
        (10 * SECOND + 1, "longer"),
    ],
)
def test_a_request_counts_within_the_limit_that_it_kept(store: Store, took: Micros, column: str) -> None:
    count(store, took=(took,))
    (row,) = numbers(store)
    limits = [*(f"within_{limit}_ms" for limit in WITHIN_MS), "longer"]
    assert [name for name in limits if row[name]] == [column]


def test_a_receipt_that_expired_adds_what_became_of_its_deliveries(store: Store) -> None:
    count(store, *[DeliveryState.ACCEPTED] * 3)
    with store.write() as connection:
        states = (DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.DELIVERED)
        count_unconfirmed(connection, 1, states, NOW)
    (row,) = numbers(store)
    assert (row["delivered"], row["retried"], row["failed"]) == (3, 1, 1)


def test_events_count_for_their_context_or_the_organization_itself(store: Store) -> None:
    with store.write() as connection:
        count_events(connection, [("acme", "c1"), ("acme", "c1"), ("acme", None), ("globex", "c1")], NOW)
        count_events(connection, [("acme", "c1")], NOW)
        rows = connection.execute(select(event_traffic).order_by(*event_traffic.primary_key)).all()
    minute = NOW // MINUTE
    assert rows == [("acme", "", minute, 1), ("acme", "c1", minute, 3), ("globex", "c1", minute, 1)]


def test_the_minutes_of_an_hour_that_is_over_become_its_first(store: Store) -> None:
    for minute in (0, 1, 59):
        count(store, DeliveryState.DELIVERED, at=THIS_HOUR + minute * MINUTE, took=(MILLISECOND,))
        count(store, DeliveryState.FAILED, pk=2, at=THIS_HOUR + minute * MINUTE)
    fold(store, THIS_HOUR + 2 * HOUR - MINUTE)
    assert len(numbers(store)) == 6, "the last whole hour keeps its minutes"
    fold(store, THIS_HOUR + 2 * HOUR)
    rows = [
        (row["webhook_pk"], row["minute"], row["delivered"], row["failed"], row["within_5_ms"])
        for row in numbers(store)
    ]
    assert rows == [(1, THIS_HOUR // MINUTE, 3, 0, 3), (2, THIS_HOUR // MINUTE, 0, 3, 0)]


def test_what_is_older_than_a_week_goes_when_its_webhook_is_folded(store: Store) -> None:
    count(store, DeliveryState.DELIVERED, at=THIS_HOUR - KEPT - HOUR)
    count(store, DeliveryState.DELIVERED, at=THIS_HOUR + MINUTE)
    fold(store, THIS_HOUR + DAY)
    assert [row["minute"] for row in numbers(store)] == [THIS_HOUR // MINUTE]


@pytest.mark.parametrize("later", [0, 30, 61, 125, 500])
def test_folding_changes_no_sum_of_an_hour(store: Store, later: int) -> None:
    for step in range(300):
        count(store, DeliveryState.DELIVERED, pk=step % 3, at=THIS_HOUR + step * MINUTE)
    fold(store, THIS_HOUR + later * MINUTE)
    sums: Counter[tuple[int, int]] = Counter()
    for row in numbers(store):
        sums[row["webhook_pk"], row["minute"] // 60] += row["delivered"]
    assert set(sums.values()) == {20}
    assert len(sums) == 15


def test_folding_finds_its_minutes_by_their_index(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    count(store, DeliveryState.DELIVERED, at=THIS_HOUR + MINUTE)
    plans = plans_of(store, lambda connection: fold_minutes(connection, NOW + DAY), "webhook_traffic", "event_traffic")
    store.close()
    assert plans
    assert not [plan for plan in plans if "SCAN" in plan and "INDEX" not in plan]


def test_a_thousand_deliveries_are_one_row(store: Store) -> None:
    count(store, *[DeliveryState.DELIVERED] * 1_000)
    with store.read() as connection:
        assert connection.execute(select(func.count(), func.sum(webhook_traffic.c.delivered))).one() == (1, 1_000)
