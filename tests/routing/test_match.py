"""Which webhooks get an event: scope, type, state; and a table that is never older than its transaction."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.clock import AT_ONCE, SECOND
from app.core.states import Mode
from app.routing.match import due_time, explain, refusal
from app.store.routes import Route
from tests.world import AUDIT

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


@pytest.mark.parametrize(
    ("has_endpoint", "has_sink", "words"),
    [
        (False, True, "the webhook has no endpoint yet"),
        (True, False, "the webhook has no sink yet"),
        (False, False, "the webhook has no endpoint and no sink yet"),
    ],
)
def test_what_a_webhook_still_lacks_is_named(has_endpoint: bool, has_sink: bool, words: str) -> None:  # noqa: FBT001 - a table
    begun = route(state="needs_endpoint", has_endpoint=has_endpoint, has_sink=has_sink)
    assert refusal(begun, None, AUDIT) == words


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
