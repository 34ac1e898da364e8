"""Which webhooks get an event: scope, type, state; and a table that is never older than its transaction."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from app.core.clock import AT_ONCE, SECOND
from app.core.states import Mode
from app.routing import match
from app.routing.match import Router, RoutingTable, due_time, explain, refusal
from app.store import Store
from app.store.partitions import next_counter
from app.store.routes import Route
from app.store.tables import webhooks
from tests.world import AUDIT, World

NOW = 1_800_000_000_000_000


def route(**values: Any) -> Route:
    row: dict[str, Any] = {
        "webhook_pk": 1,
        "webhook_id": "wh_a",
        "name": "hook",
        "organization_id": "acme",
        "context_id": None,
        "partition": 1,
        "state": "enabled",
        "event_types": None,
        "mode": Mode.INSTANT,
        "batch_max_age": 60 * SECOND,
    }
    return Route(**(row | values))


@pytest.mark.parametrize(
    ("of_webhook", "of_event", "gets_it"),
    [
        (None, None, True),
        (None, "c1", True),
        ("c1", "c1", True),
        ("c1", "c2", False),
        ("c1", None, False),
    ],
)
def test_the_scope_decides(of_webhook: str | None, of_event: str | None, gets_it: bool) -> None:  # noqa: FBT001 - a table
    assert (refusal(route(context_id=of_webhook), of_event, AUDIT) is None) is gets_it


@pytest.mark.parametrize(
    ("enabled", "event_type", "gets_it"),
    [
        (None, AUDIT, True),
        (None, "acme.unheard.of", True),
        (frozenset({AUDIT}), AUDIT, True),
        (frozenset({AUDIT}), "signin.success", False),
        (frozenset(), AUDIT, False),
        (None, "entrypoint.radius.authentication", False),
        (None, "entrypoint.radius.accounting", False),
    ],
)
def test_the_event_type_decides(enabled: frozenset[str] | None, event_type: str, gets_it: bool) -> None:  # noqa: FBT001 - a table
    assert (refusal(route(event_types=enabled), None, event_type) is None) is gets_it


@pytest.mark.parametrize(
    ("state", "gets_it"), [("enabled", True), ("paused", True), ("disabled", False), ("needs_endpoint", False)]
)
def test_the_state_decides(state: str, gets_it: bool) -> None:  # noqa: FBT001 - a table
    assert (refusal(route(state=state), None, AUDIT) is None) is gets_it


def test_an_instant_delivery_is_due_at_once_a_batched_one_when_too_old_a_held_one_never() -> None:
    assert due_time(route(), NOW) == AT_ONCE
    assert due_time(route(mode=Mode.BATCH), NOW) == NOW + 60 * SECOND
    assert due_time(route(state="paused"), NOW) == AT_ONCE, "it is the webhook that is stopped"


def test_the_explanation_names_each_webhook_and_the_reason() -> None:
    routes = [
        route(webhook_id="wh_a", name="yes"),
        route(webhook_id="wh_b", name="elsewhere", context_id="c9"),
        route(webhook_id="wh_c", name="held", state="paused"),
    ]
    found = {one.webhook_name: one for one in explain(routes, "c1", AUDIT)}
    assert [one.matched for one in found.values()] == [True, False, True]
    assert "c9" in found["elsewhere"].reason
    assert "held" in found["held"].reason


@given(
    of_webhooks=st.lists(
        st.tuples(st.sampled_from(["acme", "other"]), st.sampled_from([None, "c1", "c2"])), max_size=8
    ),
    event=st.tuples(st.sampled_from(["acme", "other", "third"]), st.sampled_from([None, "c1", "c2", "c3"])),
)
def test_nothing_crosses_a_border(of_webhooks: list[tuple[str, str | None]], event: tuple[str, str | None]) -> None:
    routes = [
        route(webhook_pk=pk, organization_id=organization, context_id=context)
        for pk, (organization, context) in enumerate(of_webhooks)
    ]
    table = RoutingTable(routes, 1)
    for _ in range(2):
        found = table.matching(*event, AUDIT)
        expected = [one for one in routes if one.organization_id == event[0] and one.context_id in {None, event[1]}]
        assert list(found) == expected


def test_a_full_memo_starts_over_and_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MEMO_LIMIT", 3)
    table = RoutingTable([route(context_id="c7")], 1)
    assert [len(table.matching("acme", f"c{number}", AUDIT)) for number in range(10)] == [0] * 7 + [1, 0, 0]


def test_a_changed_webhook_is_seen_by_the_next_transaction_of_every_process(world: World, store: Store) -> None:
    hook = world.add_webhook("http://127.0.0.1:9/x", event_types=[AUDIT])
    router = Router()
    with store.read() as connection:
        first = router.table(connection)
        assert router.table(connection) is first, "nothing changed, nothing is read again"
    assert len(first.matching("acme", None, AUDIT)) == 1
    world.change(hook.id, event_types=["signin.success"])
    with store.read() as connection:
        assert router.table(connection).matching("acme", None, AUDIT) == ()


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
