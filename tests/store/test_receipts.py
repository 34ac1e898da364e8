"""Receipts: which are due, what they stand for, and that no query walks through the history of a webhook."""

from __future__ import annotations

from sqlalchemy import Connection, text

from app.core.states import AttemptOutcome, DeliveryState
from app.store import Store
from app.store.bulk import bulk_insert
from app.store.due import due_partitions, webhooks_with_receipts_due
from app.store.receipts import (
    ReceiptRow,
    accepted_left,
    accepted_members,
    confirm,
    due_receipts,
    receipt_of,
    waiting_receipts,
    write_receipts,
)
from app.store.tables import attempts, deliveries
from tests.store.rows import NOW, add_webhook, one_webhook, states
from tests.store.test_claim_plan import plans_of

ACCEPTED, DELIVERED = DeliveryState.ACCEPTED, DeliveryState.DELIVERED
HISTORY = 20_000
WAITING = 100


def receipt(pk: int, seq: int, number: str, *, poll_at: int = NOW, last: int | None = None) -> ReceiptRow:
    """The receipt of exchange ``seq``, which carried the deliveries from ``seq`` to ``last``."""
    return ReceiptRow(seq, pk, seq, last or seq, None, b"p", "c", number, NOW, poll_at, NOW + 300)


def accepted(connection: Connection, pk: int, first: int, number: int, *, exchange: int | None = None) -> None:
    """Accepted deliveries, each of an exchange of its own or all of one."""
    seqs = range(first, first + number)
    rows = [(pk, seq, ACCEPTED, 1, 1) for seq in seqs]
    bulk_insert(connection, deliveries, ("webhook_pk", "event_seq", "state", "attempt_count", "tries"), rows)
    tried = [(pk, seq, 1, NOW, AttemptOutcome.UNCONFIRMED, exchange or seq) for seq in seqs]
    columns = ("webhook_pk", "event_seq", "n", "started_at", "outcome", "exchange_id")
    bulk_insert(connection, attempts, columns, tried)


def test_the_longest_due_are_asked_about_first(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        write_receipts(connection, [receipt(pk, seq, str(seq), poll_at=NOW - seq) for seq in (1, 2, 3)])
        write_receipts(connection, [receipt(pk, 9, "9", poll_at=NOW + 1)])
        assert [row.receipt for row in due_receipts(connection, pk, NOW, 2)] == ["3", "2"]
        (waiting,) = waiting_receipts(connection, [pk], NOW).values()
    assert (waiting.waiting, waiting.overdue, waiting.next_poll_at) == (4, 0, NOW - 3)


def test_only_enabled_webhooks_and_their_partitions_are_named(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        paused = add_webhook(connection, "paused", state="paused")
        write_receipts(connection, [receipt(one, one, "1") for one in (pk, paused)])
        found = webhooks_with_receipts_due(connection, set(range(16)), NOW)
        assert [webhook.pk for webhook in found] == [pk]
        assert due_partitions(connection, NOW) == [found[0].partition]
        assert webhooks_with_receipts_due(connection, set(range(16)), NOW - 1) == []


def test_a_receipt_stands_for_its_own_deliveries_and_no_other_between_them(store: Store) -> None:
    """A batch was sent in parts: 1 and 3 in one request, 2 in another."""
    pk = one_webhook(store)
    row = receipt(pk, 1, "1", last=3)
    with store.write() as connection:
        for seq, exchange in ((1, 1), (2, 2), (3, 1)):
            accepted(connection, pk, seq, 1, exchange=exchange)
        assert [member.event_seq for member in accepted_members(connection, row)] == [1, 3]
        confirm(connection, [(row, "confirmed")])
    assert states(store, pk) == [DELIVERED, ACCEPTED, DELIVERED]


def test_a_receipt_that_comes_again_ends_the_trust_in_the_earlier_one(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        write_receipts(connection, [receipt(pk, 1, "7", poll_at=NOW + 50)])
        write_receipts(connection, [receipt(pk, 2, "7"), receipt(pk, 3, "8"), receipt(pk, 4, "8")])
        found = {row.exchange_id: row.receipt for row in due_receipts(connection, pk, NOW, 10)}
    assert found == {1: None, 2: "7", 3: None, 4: "8"}


def test_what_a_deleted_webhook_leaves_is_taken_a_few_at_a_time(store: Store) -> None:
    pk = one_webhook(store)
    with store.write() as connection:
        accepted(connection, pk, 1, 3)
        write_receipts(connection, [receipt(pk, seq, str(seq)) for seq in (1, 2, 3)])
        assert accepted_left(connection, pk, 2) == [1, 2]
        assert [row.exchange_id for row in due_receipts(connection, pk, NOW, 10)] == [3]
        connection.execute(deliveries.update().values(state=DeliveryState.SKIPPED))
        assert accepted_left(connection, pk, 2) == []
        assert due_receipts(connection, pk, NOW, 10) == []


def test_no_query_walks_through_what_was_delivered(store: Store) -> None:
    """Neither before nor after the database learned how long that is."""
    pk = one_webhook(store)
    with store.write() as connection:
        old = [(pk, seq, DELIVERED, 1, 1) for seq in range(1, HISTORY)]
        bulk_insert(connection, deliveries, ("webhook_pk", "event_seq", "state", "attempt_count", "tries"), old)
        tried = [(pk, seq, 1, NOW, AttemptOutcome.DELIVERED, seq) for seq in range(1, HISTORY)]
        columns = ("webhook_pk", "event_seq", "n", "started_at", "outcome", "exchange_id")
        bulk_insert(connection, attempts, columns, tried)
        accepted(connection, pk, HISTORY + 1, WAITING)
        write_receipts(connection, [receipt(pk, HISTORY + 1 + n, str(n)) for n in range(WAITING)])
    for number in (1, 2):
        row = receipt(pk, HISTORY + number, str(number))
        plans = plans_of(store, lambda connection, row=row: _ask_everything(connection, row), "deliveries", "attempts")
        assert len(plans) == 5
        for plan in plans:
            for table in ("deliveries", "attempts"):
                assert f"Seq Scan on {table}" not in plan
                assert f"SCAN {table}" not in plan
        with store.write() as connection:
            connection.execute(text("ANALYZE"))


def _ask_everything(connection: Connection, row: ReceiptRow) -> None:
    webhooks_with_receipts_due(connection, {1, 2}, NOW)
    assert len(accepted_members(connection, row)) == 1
    confirm(connection, [(row, "confirmed")])
    assert receipt_of(connection, row.webhook_pk, row.first_seq, 1) is None
    assert len(accepted_left(connection, row.webhook_pk, 1)) == 1
