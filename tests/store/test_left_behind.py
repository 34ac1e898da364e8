"""What a deleted webhook leaves behind ends as skipped, whatever its state was, and a little at a time."""

from __future__ import annotations

import pytest

from app.core.clock import AT_ONCE, DAY
from app.core.states import DeliveryState, Mode
from app.store import Store, left_behind
from app.store.claim import claim_batches, claim_deliveries
from app.store.holds import park_due
from app.store.left_behind import skip_left_behind
from app.store.tables import webhooks
from tests.store.rows import NOW, add_webhook, batch_rows, close_buffer, delivery_rows, one_webhook, owe, states

PENDING, SENDING, SKIPPED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.SKIPPED
REASON = "deleted"


def delete(store: Store, pk: int) -> None:
    with store.write() as connection:
        connection.execute(webhooks.update().where(webhooks.c.pk == pk).values(deleted_at=NOW))


def skip_all(store: Store, now: int) -> list[int]:
    """How many were skipped in each transaction."""
    found = []
    while not found or found[-1]:
        with store.write() as connection:
            found.append(skip_left_behind(connection, now, REASON))
    return found[:-1]


def test_what_a_worker_holds_is_left_to_it_until_its_lease_is_over(store: Store) -> None:
    gone = one_webhook(store)
    with store.write() as connection:
        there = add_webhook(connection, "there")
    for pk in (gone, there):
        owe(store, pk, range(pk * 10, pk * 10 + 3))
        with store.write() as connection:
            claim_deliveries(connection, pk, 1, NOW, 1)
    delete(store, gone)
    assert skip_all(store, NOW + 1) == [2]
    assert skip_all(store, NOW + DAY) == [1]
    assert states(store, gone) == [SKIPPED] * 3
    assert {row.reason for row in delivery_rows(store, gone)} == {REASON}
    assert states(store, there) == [SENDING, PENDING, PENDING]


def test_pending_and_parked_ones_are_skipped_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_behind, "CHUNK", 2)
    pk = one_webhook(store)
    owe(store, pk, range(1, 4))
    with store.write() as connection:
        park_due(connection, pk, NOW, "the sink is gone")
    owe(store, pk, range(4, 7), AT_ONCE)
    delete(store, pk)
    assert skip_all(store, NOW) == [2, 1, 2, 1]
    assert states(store, pk) == [SKIPPED] * 6
    assert {row.due_at for row in delivery_rows(store, pk)} == {None}


def test_members_of_closed_batches_are_skipped_also_when_a_worker_died_with_them(store: Store) -> None:
    pk = one_webhook(store, mode=Mode.BATCH)
    owe(store, pk, range(1, 4))
    close_buffer(store, pk)
    owe(store, pk, range(4, 6))
    close_buffer(store, pk)
    with store.write() as connection:
        (claimed,) = claim_batches(connection, pk, 1, NOW, 1, 1_000_000)
        assert len(claimed.members) == 3
    delete(store, pk)
    assert skip_all(store, NOW) == [2]
    assert states(store, pk) == [SENDING] * 3 + [SKIPPED] * 2
    assert skip_all(store, NOW + DAY) == [3]
    assert states(store, pk) == [SKIPPED] * 5
    assert {row.due_at for row in batch_rows(store, pk)} == {None}
