"""Every filter of a list goes through one range of one index, in its order, also where statistics are out of date."""

from __future__ import annotations

import re
from functools import partial

import pytest
from sqlalchemy import Connection, text, update

from app.core.answer_class import AnswerClass
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery import delivery_list
from app.delivery.delivery_list import first_received, list_across, list_deliveries
from app.delivery.delivery_walk import DeliveryFilter
from app.security.scope import Scope
from app.store import Store, open_store
from app.store.accepted import write_events
from app.store.record import AttemptRow, write_attempts
from app.store.tables import deliveries
from tests.databases import Postgres
from tests.store.rows import NOW, add_webhook, event, one_webhook
from tests.store.test_claim_plan import plans_of

D = DeliveryState
ROWS = 20_000
MIDDLE = ROWS // 2
SHARE = 1_000
HOOK = f"wh_{'hook':a<16}"
FILTERS = {
    "everything": DeliveryFilter(),
    "delivered": DeliveryFilter(D.DELIVERED),
    "failed": DeliveryFilter(D.FAILED),
    "pending": DeliveryFilter(D.PENDING),
    "2xx": DeliveryFilter(code=AnswerClass.GOOD),
    "5xx": DeliveryFilter(code=AnswerClass.BROKEN),
    "failed without an answer": DeliveryFilter(D.FAILED, AnswerClass.NONE),
    "no such type": DeliveryFilter(event_type="no.such.type"),
    "a time": DeliveryFilter(since=NOW + 100, until=NOW + MIDDLE),
    "an id": DeliveryFilter(query="e77"),
    "a start of ids": DeliveryFilter(query="nothing-"),
    "all of it": DeliveryFilter(D.FAILED, AnswerClass.REFUSED, "no.such.type", NOW, NOW + ROWS, "nothing-"),
}
ORDERED = re.compile(
    r"deliveries USING (PRIMARY KEY|INDEX|COVERING INDEX ix_deliveries_(ended_badly|due|batch)|INDEX ix_deliveries_\w+)"
)


def ask(connection: Connection, wanted: DeliveryFilter) -> None:
    list_deliveries(connection, HOOK, Scope("acme"), limit=50, before_seq=MIDDLE, wanted=wanted)
    list_across(connection, Scope("acme"), limit=50, before=(MIDDLE, ""), wanted=wanted)
    first_received(connection, HOOK, Scope("acme"))


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
def test_sqlite_walks_along_an_index_and_sorts_nothing(sqlite_url: str, wanted: DeliveryFilter) -> None:
    store = open_store(sqlite_url)
    pk = one_webhook(store)
    with store.write() as connection:
        write_events(connection, [event(n, ((pk, None),), received_at=NOW + n) for n in range(1, 100)])
    plans = plans_of(store, partial(ask, wanted=wanted), "deliveries", "events", "batches", "attempts")
    store.close()
    assert plans
    for plan in plans:
        assert not re.search(r"SCAN (deliveries|events|attempts|batches)", plan), plan
        assert "ORDER BY" not in plan, plan
        if "deliveries" in plan:
            assert ORDERED.search(plan), plan


@pytest.mark.postgres
def test_postgres_looks_at_no_more_whatever_it_believes_of_the_tables(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_list, "SCAN_LIMIT", SHARE)
    monkeypatch.setattr(delivery_list, "LEAST_SHARE", SHARE)
    tables = ("deliveries", "events", "attempts")
    with postgres.fresh() as url:
        store = open_store(url)
        _fill(store)
        found = {
            name: plans_of(store, partial(ask, wanted=wanted), *tables, explain="EXPLAIN ANALYZE")
            for name, wanted in FILTERS.items()
        }
        store.close()
    for name, plans in found.items():
        assert plans
        for plan in plans:
            assert not re.search(r"Seq Scan on (deliveries|events|attempts)|Hash Join|Merge Join", plan), (name, plan)
            looked_at = max(map(int, re.findall(r"actual time=\S+ rows=(\d+)", plan)))
            assert looked_at <= SHARE + 1, (name, plan)


def _fill(store: Store) -> None:
    """Two webhooks that were owed everything, in tables whose statistics say that they are empty."""
    pk = one_webhook(store)
    with store.write() as connection:
        other = add_webhook(connection, "other")
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("deliveries", "events", "attempts"):
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
            connection.execute(text(f"ANALYZE {table}"))
    with store.write() as connection:
        owes = ((pk, None), (other, None))
        write_events(connection, [event(n, owes, received_at=NOW + n) for n in range(1, ROWS + 1)])
        done = update(deliveries).values(state=D.DELIVERED, attempt_count=1)
        connection.execute(done)
        connection.execute(done.where(deliveries.c.event_seq % 3 == 0).values(state=D.FAILED))
        connection.execute(done.where(deliveries.c.event_seq % 1_000 == 1).values(state=D.PENDING, due_at=NOW))
        rows = [AttemptRow(pk, n, 1, NOW, AttemptOutcome.DELIVERED, 200, None) for n in range(1, ROWS + 1)]
        write_attempts(connection, rows)
