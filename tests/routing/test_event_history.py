"""A list of the few events never steps over the many: changes and RADIUS records each go through their own index."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.radius import ACCOUNTING, AUTHENTICATION
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
CHANGES_BY_TIME = "ix_events_organization_id_received_at_seq"
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
        (plan,) = plans_of(store, lambda _: history.page(scope, wanted, before=None, limit=50), "events")
        return plan

    def tried() -> str:
        (plan,) = plans_of(store, lambda _: trials.filter(WHOLE, FilterTrial(filter={"id": ["x"]})), "events")
        return plan

    return [
        (listed(WHOLE, EventFilter()), CHANGES_INDEX),
        (listed(INSIDE, EventFilter()), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(sensitivity_min=3, outside_window=True)), CHANGES_INDEX),
        (listed(WHOLE, EventFilter(since=NOW, sensitivity_min=3)), CHANGES_BY_TIME),
        (listed(INSIDE, EventFilter(until=NOW)), CHANGES_BY_TIME),
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
        assert ("ORDER BY" in plan) is (index == CHANGES_BY_TIME), "the index gives the order"


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


def test_an_event_is_in_one_list_or_the_other(store: Store) -> None:
    fill(store)
    history = EventHistory(store)
    with store.read() as connection:
        number = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    changes, _ = history.page(WHOLE, EventFilter(), before=None, limit=50)
    records, following = history.page(WHOLE, EventFilter(event_type=AUTHENTICATION), before=None, limit=50)
    assert (number, len(changes), len(records)) == (EVENTS, CHANGES, 50)
    assert following is not None
