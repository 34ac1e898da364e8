"""A list of the few events never steps over the many: changes and RADIUS records each go through their own index."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.core.clock import DAY, MINUTE
from app.core.radius import ACCOUNTING, AUTHENTICATION
from app.core.whole_numbers import HIGHEST
from app.routing import event_history
from app.routing.event_history import EventFilter, EventHistory
from app.routing.trials import FilterTrial, Trials
from app.security.scope import Scope
from app.store import Store, open_store
from app.store.accepted import write_events
from tests.databases import Postgres
from tests.store.rows import NOW, event, one_webhook
from tests.store.test_claim_plan import plans_of

EVENTS = 20_000
CHANGES = 5
OURS = 200
"""One record in so many is ours, the others are another organization's."""
WHOLE, INSIDE = Scope("acme"), Scope("acme", "c1")
CHANGES_INDEX, RECORDS_INDEX = "ix_events_organization_id_seq", "ix_events_radius_records"


def fill(store: Store) -> None:
    """A few changes, and a network that many joined since."""
    one_webhook(store)
    body = b'{"outside_change_window":true,"tags":[]}'
    rows = [event(number, (), body=body, context_id="c1") for number in range(CHANGES)]
    for number in range(CHANGES, EVENTS):
        whose = "other" if number % OURS else "acme"
        rows.append(event(number, (), body=body, context_id="c1", type=AUTHENTICATION, organization_id=whose))
    with store.write() as connection:
        write_events(connection, rows)


def plans(store: Store) -> list[tuple[str, str]]:
    """What each list asks of the events, with the index that it should go through."""
    history, trials = EventHistory(store), Trials(store)

    def listed(scope: Scope, wanted: EventFilter) -> str:
        *looked_up, plan = plans_of(store, lambda _: history.page(scope, wanted, before=None, limit=50), "events")
        for one in looked_up:
            assert "Seq Scan" not in one
            assert "SCAN events" not in one
        return plan

    def tried() -> str:
        (plan,) = plans_of(store, lambda _: trials.filter(WHOLE, FilterTrial(filter={"id": ["x"]})), "events")
        return plan

    return [
        (listed(WHOLE, EventFilter()), CHANGES_INDEX),
        (listed(INSIDE, EventFilter()), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(sensitivity_min=3, outside_window=True)), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(since=NOW, sensitivity_min=3)), CHANGES_INDEX),
        (listed(INSIDE, EventFilter(until=NOW + DAY)), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(event_type="signin.success", actor="kim")), CHANGES_INDEX),
        (tried(), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(event_type=AUTHENTICATION)), RECORDS_INDEX),
        (listed(INSIDE, EventFilter(event_type=ACCOUNTING)), RECORDS_INDEX),
    ]


def test_on_sqlite(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    fill(store)
    found = plans(store)
    store.close()
    for plan, index in found:
        assert f"events USING INDEX {index} " in plan
        assert "ORDER BY" not in plan, "the index gives the order"


@pytest.mark.postgres
def test_on_postgres(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        store = open_store(url)
        fill(store)
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE events"))
        found = plans(store)
        store.close()
    for plan, index in found:
        # Changes are few here, so either of their indexes will do.
        assert (index if index == RECORDS_INDEX else "ix_events_organization_id_") in plan
        assert "Seq Scan" not in plan


FILTERS = [
    EventFilter(),
    EventFilter(actor="kim"),
    EventFilter(action="delete"),
    EventFilter(sensitivity_min=4, event_type="signin.success"),
    EventFilter(since=NOW + 20 * MINUTE, until=NOW + 70 * MINUTE),
    EventFilter(since=NOW + 20 * MINUTE, actor="kim"),
    EventFilter(context="c2"),
    EventFilter(q="needle"),
    EventFilter(q="needle", actor="kim"),
]


def fill_variously(store: Store) -> list[dict[str, Any]]:
    """A hundred changes, a minute apart; what is stored of each, newest first."""
    one_webhook(store)
    rows, told = [], []
    for number in range(100):
        values = {
            "actor_email": "kim@example.com" if number % 7 == 0 else "owner@example.com",
            "action": "delete" if number % 11 == 0 else "update",
            "sensitivity": number % 5 + 1,
            "type": "signin.success" if number % 3 else "entrypoint.configuration.audit",
            "context_id": "c2" if number % 13 == 0 else "c1",
            "received_at": NOW + number * MINUTE,
        }
        word = "needle" if number % 9 == 0 else "hay"
        body = orjson.dumps({"id": f"e{number}", "word": word, "outside_change_window": True, "tags": []})
        rows.append(event(number, (), body=body, **values))
        told.append(values | {"id": f"e{number}", "word": word})
    with store.write() as connection:
        write_events(connection, rows)
    return told[::-1]


def fits(one: dict[str, Any], wanted: EventFilter) -> bool:
    return (
        wanted.actor in {None, one["actor_email"].partition("@")[0]}
        and wanted.action in {None, one["action"]}
        and one["sensitivity"] >= (wanted.sensitivity_min or 0)
        and wanted.event_type in {None, one["type"]}
        and wanted.context in {None, one["context_id"]}
        and one["received_at"] >= (wanted.since or 0)
        and one["received_at"] < (wanted.until or HIGHEST)
        and wanted.q in {None, one["word"]}
    )


@pytest.mark.parametrize("looked_at", [1, 7, 50, 1_000])
def test_pages_to_the_end_have_what_a_plain_reading_finds(
    store: Store, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(event_history, "LOOK_LIMIT", looked_at)
    told, history = fill_variously(store), EventHistory(store)
    for wanted in FILTERS:
        found, before = history.page(WHOLE, wanted, before=None, limit=4)
        pages = 1
        while before is not None:
            more, before = history.page(WHOLE, wanted, before=before, limit=4)
            found, pages = found + more, pages + 1
        assert [one["id"] for one in found] == [one["id"] for one in told if fits(one, wanted)], wanted
        assert pages <= 100 // min(looked_at, 4) + 2


def test_a_page_looks_at_no_more_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_history, "LOOK_LIMIT", 10)
    fill_variously(store)
    found, before = EventHistory(store).page(WHOLE, EventFilter(actor="nobody"), before=None, limit=4)
    assert found == []
    assert before is not None
    with store.read() as connection:
        left = connection.execute(text("SELECT count(*) FROM events WHERE seq < :seq"), {"seq": before}).scalar_one()
    assert left == 90


def test_an_event_is_in_one_list_or_the_other(store: Store) -> None:
    fill(store)
    history = EventHistory(store)
    with store.read() as connection:
        number = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    changes, _ = history.page(WHOLE, EventFilter(), before=None, limit=50)
    records, following = history.page(WHOLE, EventFilter(event_type=AUTHENTICATION), before=None, limit=50)
    assert (number, len(changes), len(records)) == (EVENTS, CHANGES, 50)
    assert following is not None
