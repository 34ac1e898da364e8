"""The table of routes: who is in it for an event, when it is read, and that it is never older than its transaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from app.routing import routing_table
from app.routing.match import refusal
from app.routing.routing_table import OrganizationRoutes, Router
from app.store import Store
from app.store.partitions import next_counter
from app.store.routes import Route, read_routes
from app.store.tables import webhooks
from tests.routing.test_match import route
from tests.world import AUDIT, World

PLACES = st.sampled_from([None, "c1", "c2"])
KINDS = st.sampled_from([None, frozenset({AUDIT}), frozenset({AUDIT, "signin.success"}), frozenset({"ise.x"})])


@given(
    of_webhooks=st.lists(st.tuples(PLACES, KINDS, st.sampled_from(["enabled", "paused", "disabled"])), max_size=12),
    context=st.sampled_from([None, "c1", "c2", "c3"]),
    event_type=st.sampled_from([AUDIT, "signin.success", "entrypoint.radius.accounting"]),
)
def test_the_index_answers_as_if_each_webhook_had_been_asked(
    of_webhooks: list[tuple[str | None, frozenset[str] | None, str]], context: str | None, event_type: str
) -> None:
    routes = [
        route(webhook_pk=pk, context_id=place, event_types=kinds, state=state)
        for pk, (place, kinds, state) in enumerate(of_webhooks)
    ]
    expected = tuple(one for one in routes if refusal(one, context, event_type) is None)
    assert OrganizationRoutes(reversed(routes)).matching(context, event_type) == expected


def test_of_10_000_webhooks_only_those_that_match_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(one: Route, context_id: str | None, event_type: str) -> str | None:
        asked.append(one.webhook_pk)
        return refusal(one, context_id, event_type)

    monkeypatch.setattr(routing_table, "refusal", counted)
    crowd = [route(webhook_pk=pk, context_id=f"elsewhere-{pk}") for pk in range(5_000)]
    crowd += [route(webhook_pk=pk, event_types=frozenset({"signin.success"})) for pk in range(5_000, 9_995)]
    crowd += [route(webhook_pk=pk) for pk in range(9_995, 10_000)]
    found = OrganizationRoutes(crowd).matching("c1", AUDIT)
    assert [one.webhook_pk for one in found] == asked == list(range(9_995, 10_000))


def test_nothing_crosses_the_border_of_an_organization(world: World, store: Store) -> None:
    world.add_organization("other")
    mine = world.add_webhook("http://127.0.0.1:9/x")
    router = Router()
    with store.read() as connection:
        table = router.table(connection)
        assert [one.webhook_pk for one in table.matching("acme", None, AUDIT)] == [mine.pk]
        assert table.matching("other", None, AUDIT) == ()
        assert table.matching("third", None, AUDIT) == ()


def test_a_full_memo_starts_over_and_still_answers(world: World, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_table, "MEMO_LIMIT", 3)
    world.send({"type": AUDIT, "organization_id": "acme", "context": {"id": "c7"}})
    world.add_webhook("http://127.0.0.1:9/x", context="c7")
    router = Router()
    with store.read() as connection:
        table = router.table(connection)
        found = [len(table.matching("acme", f"c{number}", AUDIT)) for number in range(10)]
    assert found == [0] * 7 + [1, 0, 0]


def test_an_organization_is_read_once_until_some_webhook_changes(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str | None] = []

    def counted(connection: Connection, organization_id: str | None = None) -> list[Route]:
        reads.append(organization_id)
        return read_routes(connection, organization_id)

    monkeypatch.setattr(routing_table, "read_routes", counted)
    hook = world.add_webhook("http://127.0.0.1:9/x", event_types=[AUDIT])
    router = Router()
    for number in range(3):
        with store.read() as connection:
            assert len(router.table(connection).matching("acme", f"c{number}", AUDIT)) == 1
    assert reads == ["acme"], "nothing changed, nothing is read again"
    world.change(hook.id, event_types=["signin.success"])
    with store.read() as connection:
        assert router.table(connection).matching("acme", None, AUDIT) == ()
    assert reads == ["acme", "acme"]


def test_a_table_follows_a_change_inside_its_own_transaction(world: World, store: Store) -> None:
    world.add_webhook("http://127.0.0.1:9/x")
    router = Router()
    with store.write() as connection:
        assert len(router.table(connection).matching("acme", None, AUDIT)) == 1
        connection.execute(update(webhooks).values(state="disabled"))
        next_counter(connection, "routing_generation")
        assert router.table(connection).matching("acme", None, AUDIT) == ()


def test_a_deleted_webhook_is_no_route(world: World, store: Store) -> None:
    hook = world.add_webhook("http://127.0.0.1:9/x")
    with store.write() as connection:
        connection.execute(update(webhooks).where(webhooks.c.pk == hook.pk).values(deleted_at=1))
        assert Router().table(connection).matching("acme", None, AUDIT) == ()
