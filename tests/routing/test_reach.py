"""A backfill's filter says of every event what routing says of it."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.states import Mode
from app.routing.match import refusal
from app.routing.reach import reach_of
from app.store import Store
from app.store.accepted import write_events
from app.store.replay_sets import backfillable, next_numbers
from app.store.replays import ReplayKind, Selection
from app.store.routes import Route
from tests.store.rows import NOW, event, one_webhook

TYPES = ("entrypoint.configuration.audit", "entrypoint.radius.accounting", "signin.success", "something.of.tomorrow")
CONTEXTS = (None, "c1", "c2")
EVENTS = tuple(product(TYPES, CONTEXTS))
CHOSEN = (None, frozenset[str](), frozenset({"signin.success"}), frozenset(TYPES))


@pytest.fixture
def stored(store: Store) -> tuple[Store, int]:
    pk = one_webhook(store)
    with store.write() as connection:
        rows = [event(n, (), type=kind, context_id=context) for n, (kind, context) in enumerate(EVENTS)]
        write_events(connection, [*rows, event(99, (), organization_id="other")])
    return store, pk


@pytest.mark.parametrize("event_types", CHOSEN)
@pytest.mark.parametrize("context", [None, "c1"])
def test_the_database_finds_what_routing_would_not_refuse(
    stored: tuple[Store, int], context: str | None, event_types: frozenset[str] | None
) -> None:
    store, pk = stored
    route = Route(pk, "wh_x", "hook", "acme", context, 1, "enabled", event_types, Mode.INSTANT, 0)
    wanted = [n for n, (kind, place) in enumerate(EVENTS, 1) if refusal(route, place, kind) is None]
    selection = Selection(ReplayKind.BACKFILL, pk, NOW, NOW + 1, 0, 1_000)
    with store.read() as connection:
        assert next_numbers(connection, backfillable(selection, reach_of(route)), 100) == wanted
