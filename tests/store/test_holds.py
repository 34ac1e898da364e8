"""Held, parked and released: nothing is lost on the way, and nothing is due that must not be."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.clock import AT_ONCE
from app.core.states import DeliveryState, Mode
from app.store import Store
from app.store import holds as holds_module
from app.store.claim import claim_batches, claim_deliveries
from app.store.due import due_webhooks
from app.store.holds import (
    SINK_MISSING,
    park_due,
    release,
    resume_returned_sinks,
    resume_webhook,
    stop_webhook,
)
from app.store.routes import routing_generation
from app.store.tables import deliveries, webhooks
from tests.store.rows import NOW, batch_rows, close_buffer, delivery_rows, one_webhook, owe, states

PENDING, PARKED = DeliveryState.PENDING, DeliveryState.PARKED


def test_parked_deliveries_say_why_and_come_back_in_order(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4))
    with store.write() as connection:
        park_due(connection, pk, NOW, "the sink is gone")
        assert claim_deliveries(connection, pk, 1, NOW, 10) == []
    assert states(store, pk) == [PARKED] * 3
    assert {row.reason for row in delivery_rows(store, pk)} == {"the sink is gone"}
    with store.write() as connection:
        release(connection, pk)
        rows = claim_deliveries(connection, pk, 1, NOW + 1, 10)
    assert [row.event_seq for row in rows] == [1, 2, 3]
    assert {row.reason for row in delivery_rows(store, pk)} == {None}


def test_of_a_long_backlog_only_the_head_is_parked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds_module, "CHUNK", 2)
    pk = one_webhook(store)
    owe(store, pk, range(1, 6))
    with store.write() as connection:
        park_due(connection, pk, NOW, "x")
    assert states(store, pk) == [PARKED] * 2 + [PENDING] * 3


def test_finished_deliveries_are_neither_parked_nor_released(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 2), None)
    with store.write() as connection:
        connection.execute(deliveries.update().values(state=DeliveryState.DELIVERED))
        park_due(connection, pk, NOW, "x")
        release(connection, pk)
    assert states(store, pk) == [DeliveryState.DELIVERED]
    assert delivery_rows(store, pk)[0].due_at is None


def test_what_waits_for_its_time_is_released_and_what_is_in_flight_is_not(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3), NOW + 60_000_000)
    with store.write() as connection:
        connection.execute(deliveries.update().where(deliveries.c.event_seq == 2).values(state=DeliveryState.SENDING))
        release(connection, pk)
    assert [row.due_at for row in delivery_rows(store, pk)] == [AT_ONCE, NOW + 60_000_000]


def test_a_parked_batch_keeps_its_members_and_comes_back_as_the_same_batch(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    (closed,) = close_buffer(store, pk)
    with store.write() as connection:
        (claimed,) = claim_batches(connection, pk, 1, NOW, 2, 1)
        assert claim_batches(connection, pk, 1, NOW, 2, 1) == []
    later = NOW + 60_000_000
    with store.write() as connection:
        park_due(connection, pk, later, "x")
    assert states(store, pk) == [PARKED] * 3
    assert [batch.due_at for batch in batch_rows(store, pk)] == [None]
    with store.write() as connection:
        release(connection, pk)
        (again,) = claim_batches(connection, pk, 2, later, 2, 1)
    assert again.id == claimed.id == closed.id
    assert [member.event_seq for member in again.members] == [1, 2, 3]


def test_stopping_tells_the_router_and_the_drain_once(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        before = routing_generation(connection)
        stop_webhook(connection, pk, state="paused", reason="403", now=NOW)
        stop_webhook(connection, pk, state="disabled", reason="too late", now=NOW)
        row = connection.execute(select(webhooks)).one()
        assert (row.state, row.state_reason, row.version) == ("paused", "403", 2)
        assert routing_generation(connection) == before + 1


def test_resuming_enables_and_releases(store: Store) -> None:
    pk = one_webhook(store, state="paused", state_reason="x")
    owe(store, pk, range(1, 3), AT_ONCE)
    with store.write() as connection:
        resume_webhook(connection, pk, NOW)
        row = connection.execute(select(webhooks)).one()
    assert (row.state, row.state_reason, row.state_since, row.version) == ("enabled", None, NOW, 2)


@pytest.mark.parametrize(
    ("reason", "sinks", "resumed"),
    [
        (f"{SINK_MISSING}: webhook", ["webhook"], True),
        (f"{SINK_MISSING}: webhook", ["other"], False),
        ("paused by a user", ["webhook"], False),
        (None, ["webhook"], False),
    ],
)
def test_only_webhooks_that_wait_for_a_sink_resume_with_it(
    store: Store,
    reason: str | None,
    sinks: list[str],
    resumed: bool,  # noqa: FBT001 - a table
) -> None:
    pk = one_webhook(store, state="paused", state_reason=reason)
    owe(store, pk, range(1, 2), AT_ONCE)
    with store.write() as connection:
        resume_returned_sinks(connection, sinks, NOW)
        state = connection.execute(select(webhooks.c.state)).scalar_one()
        assert len(due_webhooks(connection, {1}, NOW)) == resumed
    assert state == ("enabled" if resumed else "paused")
