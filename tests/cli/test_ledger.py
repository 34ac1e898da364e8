"""``relaypoint ledger`` as a person reads it, and what its exit code says."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from app.cli import main
from app.core.states import AttemptOutcome, DeliveryState
from app.store import Store, open_store
from app.store.record import AttemptRow, Record, write_record
from app.store.tables import deliveries
from tests.store.rows import NOW, one_webhook, owe


@pytest.fixture
def store(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Two delivered and one failed, after two attempts that may have arrived."""
    monkeypatch.setenv("RELAYPOINT_DATABASE_URL", sqlite_url)
    opened = open_store(sqlite_url)
    pk = one_webhook(opened, "SIEM")
    owe(opened, pk, range(1, 4))
    with opened.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.DELIVERED, due_at=None))
        connection.execute(update(deliveries).where(deliveries.c.event_seq == 3).values(state=DeliveryState.FAILED))
        rows = [AttemptRow(pk, seq, 1, NOW, AttemptOutcome.UNKNOWN, None, None, "worker_lost") for seq in (1, 2)]
        write_record(connection, Record(attempts=rows), 1)
    yield opened
    opened.close()


def ledger(*words: str) -> Result:
    return CliRunner().invoke(main, ["ledger", *words])


def test_a_table_shows_each_webhook_the_sum_and_the_causes_of_duplicates(store: Store) -> None:
    lines = ledger().stdout.splitlines()
    assert lines[0] == "accepted 3, owed 3"
    assert lines[1].split() == [
        "webhook",
        "owed",
        "matched",
        "delivered",
        "pending",
        "confirming",
        "failed",
        "skipped",
        "parked",
        "duplicates",
    ]
    assert lines[2].split() == ["SIEM", "3", "3", "2", "0", "0", "1", "0", "0", "2"]
    assert lines[3].split() == ["total", "3", "3", "2", "0", "0", "1", "0", "0", "2"]
    assert lines[4:] == ["duplicates possible, worker_lost: 2", "balanced"]


def test_a_lost_delivery_is_found_at_its_webhook_and_ends_with_1(store: Store) -> None:
    with store.write() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.event_seq == 2))
    found = ledger("--json")
    assert found.exit_code == 1
    document = orjson.loads(found.stdout)
    assert (document["balanced"], document["owed"], document["matched"]) == (False, 3, 2)
    assert [one["balanced"] for one in document["webhooks"]] == [False]
    assert "not balanced" in ledger().stdout
