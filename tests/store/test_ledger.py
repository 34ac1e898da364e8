"""The ledger balances in every state, and says so when it does not."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, func, insert, select, update

from app.core.states import AttemptOutcome, DeliveryState
from app.store import Store, open_store
from app.store.accepted import write_events
from app.store.ledger import read_ledger
from app.store.record import AttemptRow, Record, write_record
from app.store.tables import deliveries, events, organizations
from tests.store.rows import NOW, add_webhook, event, one_webhook, owe

COLUMN = {
    DeliveryState.PENDING: "pending",
    DeliveryState.SENDING: "pending",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.PARKED: "parked",
    DeliveryState.ACCEPTED: "confirming",
}


@pytest.mark.parametrize("state", list(DeliveryState))
def test_every_state_has_its_column(store: Store, state: DeliveryState) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 4))
    with store.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.event_seq <= 2).values(state=state))
        ledger = read_ledger(connection)
    assert ledger.balanced
    assert (ledger.accepted, ledger.total("owed"), ledger.total("matched")) == (3, 3, 3)
    assert ledger.total(COLUMN[state]) == (3 if COLUMN[state] == "pending" else 2)
    assert ledger.webhooks[0].difference == 0


def test_an_empty_installation_balances(store: Store) -> None:
    with store.snapshot() as connection:
        ledger = read_ledger(connection)
    assert (ledger.accepted, ledger.webhooks, ledger.balanced) == (0, (), True)


def test_a_delivery_removed_by_hand_shows(store: Store) -> None:
    owe(store, one_webhook(store), range(1, 4))
    with store.write() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.event_seq == 2))
        ledger = read_ledger(connection)
    assert not ledger.balanced
    assert (ledger.total("owed"), ledger.total("matched"), ledger.webhooks[0].difference) == (3, 2, 1)


def test_an_invented_delivery_shows(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 2))
    with store.write() as connection:
        row = {"webhook_pk": pk, "event_seq": 9, "state": 2, "attempt_count": 0, "tries": 0}
        connection.execute(insert(deliveries).values(row))
        assert not read_ledger(connection).balanced


def test_attempts_of_unknown_end_are_possible_duplicates(store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 3))
    rows = [AttemptRow(pk, seq, 1, NOW, AttemptOutcome.UNKNOWN, None, None) for seq in (1, 2)]
    rows.append(AttemptRow(pk, 1, 2, NOW, AttemptOutcome.DELIVERED, 200, None))
    with store.write() as connection:
        write_record(connection, Record(attempts=rows), 1)
        assert read_ledger(connection).webhooks[0].duplicates_possible == 2


def test_the_ledger_of_one_organization_holds_nothing_of_another(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        connection.execute(insert(organizations).values(id="other", name="Other", created_at=NOW))
        foreign = add_webhook(connection, "foreign", organization_id="other")
        write_events(connection, [event(1, ((pk, NOW),)), event(2, ((foreign, NOW),), organization_id="other")])
        ledger = read_ledger(connection, "acme")
    assert (ledger.accepted, ledger.total("owed"), [one.name for one in ledger.webhooks]) == (1, 1, ["hook"])
    assert ledger.balanced


def test_a_snapshot_sees_one_moment_while_others_write(database_url: str, store: Store) -> None:
    pk = one_webhook(store)
    owe(store, pk, range(1, 11))
    writer = open_store(database_url)
    with store.snapshot() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 10
        thread = threading.Thread(target=owe, args=(writer, pk, range(11, 31)))
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "a reader must not hold writers up"
        ledger = read_ledger(connection)
    assert (ledger.accepted, ledger.total("matched"), ledger.balanced) == (10, 10, True)
    with store.snapshot() as connection:
        assert read_ledger(connection).accepted == 30
    writer.close()
