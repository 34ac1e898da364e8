"""Retention: what is over goes in small steps, what anybody still needs stays, and the ledger balances throughout."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.core.clock import DAY, Micros
from app.core.states import DeliveryState, Mode
from app.queue.tidying import Tidying
from app.store import Store, open_store, retention
from app.store.ledger import read_ledger
from app.store.replays import ReplayState
from app.store.retention import CHUNK, _remove_owed, remove_batches, remove_contents, remove_events
from app.store.tables import attempts, batch_requests, batches, contents, deliveries, events, exchanges
from app.store.tables_replays import replays
from tests.store.rows import NOW, close_buffer, one_webhook, owe
from tests.store.test_claim_plan import plans_of

LATER = NOW + 91 * DAY


def numbers_of(store: Store, column: Any) -> list[Any]:
    with store.read() as connection:
        return sorted(connection.execute(select(column)).scalars())


def finish(store: Store, *numbers: int, state: DeliveryState = DeliveryState.DELIVERED) -> None:
    with store.write() as connection:
        ended = update(deliveries).where(deliveries.c.event_seq.in_(numbers)).values(state=state, due_at=None)
        connection.execute(ended)


def add_attempt(store: Store, pk: int, number: int) -> None:
    with store.write() as connection:
        row = {"webhook_pk": pk, "event_seq": number, "n": 1, "started_at": NOW, "outcome": 0, "exchange_id": number}
        connection.execute(insert(attempts).values(row))
        add_exchange(connection, pk, number)


def add_exchange(connection: Any, pk: int, number: int) -> None:
    phases = dict.fromkeys(("dns_us", "connect_us", "tls_us", "first_byte_us", "total_us"), 1)
    row = {"id": number, "webhook_pk": pk, "started_at": NOW, "message_id": "m", "signature": "s"}
    connection.execute(insert(exchanges).values(**row, truncated=False, peer="p", **phases))


def remove_all(store: Store, before: Micros) -> None:
    after_seq = 0
    while (end := remove_events(store, before, after_seq)) is not None:
        after_seq = end
    while remove_batches(store, before):
        pass


def balanced(store: Store) -> bool:
    with store.snapshot() as connection:
        return read_ledger(connection).balanced


def test_bytes_of_days_that_are_over_go_and_the_others_stay(store: Store) -> None:
    rows = [{"digest": number.to_bytes(16, "big"), "day": 10, "body": b"old"} for number in range(CHUNK + 5)]
    rows += [{"digest": b"kept-" + bytes([day]), "day": day, "body": b"new"} for day in (12, 13, 14)]
    with store.write() as connection:
        connection.execute(insert(contents), rows)
    assert [remove_contents(store, 15 * DAY + 5, keep_days=3) for _ in range(3)] == [CHUNK, 5, 0]
    assert numbers_of(store, contents.c.day) == [12, 13, 14]


def test_a_step_removes_no_more_bytes_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK_BYTES", 250)
    rows = [{"digest": bytes([number]), "day": 1, "body": b"x" * 100} for number in range(5)]
    with store.write() as connection:
        connection.execute(insert(contents), rows)
    assert [remove_contents(store, 15 * DAY, keep_days=3) for _ in range(4)] == [2, 2, 1, 0]


def test_an_old_event_goes_with_all_it_was_owed(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4))
    add_attempt(store, pk, 1)
    finish(store, 1, 2)
    assert remove_events(store, NOW, 0) is None, "nothing is as old"
    remove_all(store, LATER)
    assert numbers_of(store, events.c.seq) == numbers_of(store, deliveries.c.event_seq) == [3]
    assert numbers_of(store, attempts.c.event_seq) == numbers_of(store, exchanges.c.id) == []
    assert balanced(store)


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.PARKED])
def test_what_has_not_ended_keeps_everything_it_needs(store: Store, state: DeliveryState) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3))
    add_attempt(store, pk, 2)
    finish(store, 1)
    finish(store, 2, state=state)
    remove_all(store, LATER)
    for column in (events.c.seq, deliveries.c.event_seq, attempts.c.event_seq, exchanges.c.id):
        assert numbers_of(store, column) == [2]


def test_a_batch_and_its_requests_go_after_its_last_member(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    close_buffer(store, pk)
    (batch,) = numbers_of(store, batches.c.pk)
    add_attempt(store, pk, 1)
    with store.write() as connection:
        row = {"exchange_id": 1, "batch_pk": batch, "event_count": 3, "verdict": "delivered"}
        connection.execute(insert(batch_requests).values(row))
    finish(store, 1, 2)
    remove_all(store, LATER)
    assert (numbers_of(store, batches.c.pk), numbers_of(store, exchanges.c.id)) == ([batch], [1])
    finish(store, 3)
    remove_all(store, LATER)
    for column in (batches.c.pk, batch_requests.c.exchange_id, exchanges.c.id, deliveries.c.event_seq):
        assert numbers_of(store, column) == []


def test_a_running_replay_finds_every_event_it_may_want(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4))
    finish(store, 1, 2, 3)
    row = {"id": "rpl", "webhook_pk": pk, "kind": "backfill", "state": ReplayState.RUNNING.value, "total": 2, "done": 0}
    bounds = {"per_s": 1, "since": 0, "until": 1, "after_seq": 1, "last_seq": 3}
    with store.write() as connection:
        connection.execute(insert(replays).values(**row, **bounds, created_by="x", created_at=NOW, stepped_at=NOW))
    remove_all(store, LATER)
    assert numbers_of(store, events.c.seq) == [2, 3]


def test_a_step_is_small_however_many_webhooks_an_event_goes_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK_DELIVERIES", 2)
    pk = one_webhook(store)
    owe(store, pk, range(1, 6))
    finish(store, *range(1, 6))
    assert remove_events(store, LATER, 0) == 2
    assert numbers_of(store, events.c.seq) == [3, 4, 5]
    assert balanced(store)


def test_a_round_ends_when_its_time_is_over_and_goes_on_with_the_next(store: Store) -> None:
    rows = [{"digest": number.to_bytes(16, "big"), "day": 10, "body": b"old"} for number in range(2 * CHUNK)]
    with store.write() as connection:
        connection.execute(insert(contents), rows)
    seconds = iter(range(100))
    tidying = Tidying(store, body_days=3, receipt_days=90, monotonic=lambda: float(next(seconds)))
    assert [tidying(15 * DAY) for _ in range(3)] == [True, True, False]
    assert numbers_of(store, contents.c.day) == []


def test_what_an_event_was_owed_is_found_by_key(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    owe(store, one_webhook(store), range(1, 6))
    finish(store, *range(1, 6))
    plans = plans_of(store, lambda connection: _remove_owed(connection, range(1, 6)), "deliveries", "attempts")
    store.close()
    assert plans
    assert not [plan for plan in plans if "SCAN deliveries" in plan or "SCAN attempts" in plan]
