"""The queries of the hot path use the due index and nothing else, also when the statistics are out of date."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from app.core.clock import MINUTE
from app.core.states import CloseReason, Mode
from app.store import Store, claim, open_store
from app.store.batches import close_all
from app.store.buffers import buffers_to_look_at, count_again, count_new, has_waited, lock_buffer
from app.store.claim import claim_deliveries
from app.store.due import due_partitions, due_webhooks
from tests.databases import Postgres
from tests.store.rows import NOW, add_organization, add_webhook, one_webhook, owe

ROWS = 20_000
ROOM = 400
BATCH = 50


def plans_of(store: Store, run: Any, *tables: str, explain: str = "EXPLAIN") -> list[str]:
    """The plan of what ``run(connection)`` asks of the deliveries, or of these tables.

    ``explain`` is how PostgreSQL is asked.
    """
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if any(table in statement for table in tables or ("deliveries",)) and not statement.startswith("EXPLAIN"):
            seen.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    with store.write() as connection:
        run(connection)
    event.remove(store.engine, "before_cursor_execute", note)
    found = []
    with store.read() as connection:
        for statement, parameters in seen:
            words = "EXPLAIN QUERY PLAN" if store.is_sqlite else explain
            rows = connection.exec_driver_sql(f"{words} {statement}", parameters)
            found.append(" / ".join(row[-1] for row in rows))
    return found


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(lambda connection: due_webhooks(connection, {1, 2}, NOW), id="due webhooks"),
        pytest.param(lambda connection: due_partitions(connection, NOW), id="due partitions"),
        pytest.param(lambda connection: claim_deliveries(connection, 1, 7, NOW, 10), id="claim"),
    ],
)
def test_sqlite_never_scans_the_deliveries(sqlite_url: str, run: Any) -> None:
    store = open_store(sqlite_url)
    owe(store, one_webhook(store), range(1, 6))
    plans = plans_of(store, run)
    store.close()
    assert plans
    for plan in plans:
        assert "SCAN deliveries" not in plan
    assert "ix_deliveries_due" in plans[0]
    assert "TEMP B-TREE" not in plans[0], "the index gives the order"


def _look(connection: Connection) -> None:
    assert len(buffers_to_look_at(connection, {1, 2}, NOW - MINUTE, 10)) == 1


def _count_new(connection: Connection) -> None:
    assert count_new(connection, replace(lock_buffer(connection, 1), counted_seq=ROWS - 10)).events == 10


def _count_again(connection: Connection) -> None:
    assert count_again(connection, lock_buffer(connection, 1)).events == BATCH


def _has_waited(connection: Connection) -> None:
    assert not has_waited(connection, lock_buffer(connection, 1), NOW - MINUTE)


def _close(connection: Connection) -> None:
    (first, *_) = close_all(connection, lock_buffer(connection, 1), NOW, secrets.token_bytes, CloseReason.AGE)
    assert first.event_count == BATCH


@pytest.mark.parametrize("run", [_look, _count_new, _count_again, _has_waited, _close])
def test_nothing_that_batches_need_scans_a_table(run: Any, database_url: str) -> None:
    """What was counted is not counted again, and no body is read to learn its length."""
    store = open_store(database_url)
    pk = one_webhook(store, mode=Mode.BATCH, batch_max_events=BATCH)
    owe(store, pk, range(1, ROWS + 1))
    if not store.is_sqlite:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    plans = plans_of(store, run)
    store.close()
    assert plans
    for plan in plans:
        assert not re.search(r"SCAN (deliveries|events)|Seq Scan on (deliveries|events)", plan), plan
        for step in re.findall(r"deliveries USING PRIMARY KEY \((.*?)\)", plan):
            assert "event_seq" in step, "no walk through a webhook's whole history"


@pytest.mark.postgres
def test_a_claim_is_fast_on_a_table_that_was_empty_when_it_was_analysed(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        store = open_store(url)
        with store.write() as connection:
            add_organization(connection)
            pk = add_webhook(connection, "hook")
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER TABLE deliveries SET (autovacuum_enabled = off)"))
            connection.execute(text("ANALYZE deliveries"))
        owe(store, pk, range(1, ROWS + 1))
        seconds = []
        for _ in range(12):
            started = time.monotonic()
            with store.write() as connection:
                rows = claim_deliveries(connection, pk, 7, NOW, ROOM)
            seconds.append(time.monotonic() - started)
            assert [row.event_seq for row in rows] == list(range(rows[0].event_seq, rows[0].event_seq + ROOM))
        plan = _explained(store, pk)
        with store.read() as connection:
            mode = connection.execute(text("SHOW plan_cache_mode")).scalar_one()
        store.close()
    assert mode == "force_custom_plan"
    assert "ix_deliveries_due" in plan
    (locking,) = [line for line in plan.splitlines() if "LockRows" in line]
    assert "loops=1)" in locking, "the due rows are chosen once, not once per row"
    assert max(seconds) < 1.0


def _explained(store: Store, webhook_pk: int) -> str:
    """The plan of one more claim, measured and taken back."""
    with store.engine.connect() as connection:
        statement = text(f"EXPLAIN ANALYZE {claim._CLAIM_POSTGRES.text}")
        values = {"pk": webhook_pk, "now": NOW, "room": ROOM, "after": 0, "lease_until": NOW + 1, "token": 7}
        plan = "\n".join(connection.execute(statement, values).scalars())
        connection.rollback()
    return plan
