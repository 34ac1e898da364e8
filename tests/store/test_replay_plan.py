"""The queries of replays go through one range of one index, also on PostgreSQL with outdated statistics."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Connection, Select, text, update
from sqlalchemy.dialects import postgresql

from app.core.answer_class import AnswerClass
from app.core.states import AttemptOutcome, DeliveryState
from app.store import Store, open_store
from app.store.accepted import write_events
from app.store.ledger import duplicate_causes
from app.store.record import AttemptRow, write_attempts
from app.store.replay_sets import (
    Reach,
    backfillable,
    count_rows,
    due_count,
    ledger_window,
    make_due_again,
    next_numbers,
    redeliverable,
)
from app.store.replays import ReplayKind, Selection, page_of_replays, running_replays
from app.store.tables import deliveries
from tests.databases import Postgres
from tests.store.rows import NOW, add_webhook, event, one_webhook
from tests.store.test_claim_plan import plans_of

ROWS = 20_000
REACH = Reach("acme", "c1", frozenset({"entrypoint.configuration.audit"}))
WHOLE = Reach("acme", None, None)


def chosen(
    kind: str = "redeliver", pk: int = 1, state: DeliveryState | None = None, code: AnswerClass | None = None
) -> Selection:
    return Selection(ReplayKind(kind), pk, NOW, NOW + ROWS, 0, ROWS, state, code)


FAILED = chosen(state=DeliveryState.FAILED)
FAILED_SO = chosen(state=DeliveryState.FAILED, code=AnswerClass.BROKEN)


@pytest.mark.parametrize(
    ("run", "index"),
    [
        pytest.param(
            lambda connection: ledger_window(connection, "acme", NOW, NOW + 9, 9),
            "events USING COVERING INDEX ix_events_organization_id_received_at_seq",
            id="window",
        ),
        pytest.param(
            lambda connection: count_rows(connection, redeliverable(FAILED), 99),
            "deliveries USING COVERING INDEX ix_deliveries_ended_badly",
            id="count of failed",
        ),
        pytest.param(
            lambda connection: count_rows(connection, redeliverable(chosen()), 99),
            "deliveries USING PRIMARY KEY",
            id="count of any",
        ),
        pytest.param(
            lambda connection: count_rows(connection, redeliverable(FAILED_SO), 99),
            "deliveries USING COVERING INDEX ix_deliveries_ended_badly",
            id="count of failed with an answer",
        ),
        pytest.param(
            lambda connection: count_rows(connection, redeliverable(chosen(code=AnswerClass.BROKEN)), 99),
            "deliveries USING PRIMARY KEY",
            id="count of any with an answer",
        ),
        pytest.param(
            lambda connection: count_rows(connection, backfillable(chosen("backfill"), WHOLE), 99),
            "events USING COVERING INDEX ix_events_organization_id_received_at_seq",
            id="count of a backfill",
        ),
        pytest.param(
            lambda connection: next_numbers(connection, redeliverable(FAILED), 99),
            "deliveries USING COVERING INDEX ix_deliveries_ended_badly",
            id="step over failed",
        ),
        pytest.param(
            lambda connection: next_numbers(connection, redeliverable(chosen()), 99),
            "deliveries USING PRIMARY KEY",
            id="step over any",
        ),
        pytest.param(
            lambda connection: next_numbers(connection, redeliverable(FAILED_SO), 99),
            "deliveries USING COVERING INDEX ix_deliveries_ended_badly",
            id="step over failed with an answer",
        ),
        pytest.param(
            lambda connection: next_numbers(connection, redeliverable(chosen(code=AnswerClass.GOOD)), 99),
            "deliveries USING PRIMARY KEY",
            id="step over any with an answer",
        ),
        pytest.param(
            lambda connection: next_numbers(connection, backfillable(chosen("backfill"), REACH), 99),
            "events USING INDEX ix_events_organization_id_seq",
            id="step of a backfill",
        ),
        pytest.param(
            lambda connection: due_count(connection, 1, NOW, 99),
            "deliveries USING COVERING INDEX ix_deliveries_due",
            id="due",
        ),
        pytest.param(
            lambda connection: make_due_again(connection, FAILED, [1, 2, 3], NOW),
            "deliveries USING PRIMARY KEY",
            id="make due",
        ),
        pytest.param(
            lambda connection: make_due_again(connection, FAILED_SO, [1, 2, 3], NOW),
            "deliveries USING PRIMARY KEY",
            id="make due with an answer",
        ),
        pytest.param(
            lambda connection: running_replays(connection, 0, 9), "replays USING INDEX ix_replays_running", id="running"
        ),
        pytest.param(
            lambda connection: page_of_replays(connection, 1, before=None, limit=9),
            "replays USING INDEX ix_replays_webhook_pk_pk",
            id="list",
        ),
        pytest.param(duplicate_causes, "attempts USING INDEX ix_attempts_unknown", id="causes of duplicates"),
    ],
)
def test_sqlite_takes_one_range_of_one_index(sqlite_url: str, run: Any, index: str) -> None:
    store = open_store(sqlite_url)
    one_webhook(store)
    (plan,) = plans_of(store, run, "deliveries", "events", "replays", "attempts")
    store.close()
    assert index in plan
    assert "ORDER BY" not in plan, "the index gives the order"
    assert re.search(r"SCAN (deliveries|events|replays|attempts(?! USING INDEX ix_attempts_unknown))", plan) is None


@pytest.mark.postgres
def test_postgres_looks_rows_up_one_by_one_whatever_it_believes_of_the_tables(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        store = open_store(url)
        pk, new = _filled(store)
        with store.read() as connection:
            plans = [
                _cost(connection, redeliverable(chosen(pk=pk, state=DeliveryState.FAILED)), 1_000),
                _cost(connection, redeliverable(chosen(pk=pk)), 1_000),
                _cost(connection, backfillable(chosen("backfill", new), WHOLE), 1_000),
                _cost(connection, backfillable(chosen("backfill", pk), WHOLE), ROWS),
                _cost(
                    connection, redeliverable(chosen(pk=pk, state=DeliveryState.FAILED, code=AnswerClass.BROKEN)), ROWS
                ),
                _cost(connection, redeliverable(chosen(pk=pk, code=AnswerClass.BROKEN)), ROWS),
                _cost(connection, redeliverable(chosen(pk=pk, code=AnswerClass.GOOD)), ROWS),
            ]
        store.close()
    for plan in plans:
        assert "SubPlan" in plan
        assert "Materialize" not in plan
        assert "Seq Scan" not in plan
    assert "ix_deliveries_ended_badly" in plans[0]
    assert "pk_deliveries" in plans[1]
    assert "ix_events_organization_id_" in plans[2]
    assert "ix_deliveries_ended_badly" in plans[4]
    for plan in plans[5:]:
        assert "pk_deliveries" in plan
    for plan in plans[4:]:
        assert "pk_attempts" in plan


def _filled(store: Store) -> tuple[int, int]:
    """Two webhooks, one with a delivery of every event, in tables whose statistics say that they are empty."""
    pk = one_webhook(store)
    with store.write() as connection:
        new = add_webhook(connection, "new")
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("deliveries", "events", "attempts"):
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
            connection.execute(text(f"ANALYZE {table}"))
    with store.write() as connection:
        rows = [event(number, ((pk, None),), received_at=NOW + number) for number in range(1, ROWS + 1)]
        write_events(connection, rows)
        done = update(deliveries).values(state=DeliveryState.DELIVERED, attempt_count=1)
        connection.execute(done)
        connection.execute(done.where(deliveries.c.event_seq % 50 == 0).values(state=DeliveryState.FAILED))
        answers = ((number, 200 if number % 50 else 503) for number in range(1, ROWS + 1))
        write_attempts(connection, [AttemptRow(pk, n, 1, NOW, AttemptOutcome.RETRY, got, None) for n, got in answers])
    return pk, new


def _cost(connection: Connection, rows: Select[int], limit: int) -> str:
    compiled = rows.limit(limit).compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    plan: list[str] = list(connection.execute(text(f"EXPLAIN ANALYZE {compiled}")).scalars())
    took = float(plan[-1].split()[2])
    assert took < 1_000, "milliseconds"
    return "\n".join(plan)
