"""A receiver that fails for long is slowed down, probed, and in the end disabled: gently, and loudly."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import cast

import pytest

from app.core.clock import DAY, HOUR, MINUTE, SECOND
from app.core.receiver_health import FAILING_AFTER
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.lanes import Lane
from app.delivery.receiver_watch import ReceiverWatch
from app.routing.webhook_input import Resumption
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.world import PLATFORM, Hook, World, settle

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED
WITH_A_PROBE = Resumption(probe=True)
HUNDRED = range(1, 101)


def failing(world: World, target: Receiver, drain: Drain, **patch: object) -> Hook:
    """A webhook that has just begun to fail, with most of a hundred deliveries kept."""
    target.respond = lambda _request: Reply(500)
    hook = world.add_webhook(target.url, **patch)
    world.send_numbers(*HUNDRED)
    world.deliver(drain)
    return hook


def test_a_failing_receiver_is_not_hammered_and_its_backlog_keeps_its_tries(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = failing(world, target, drain)
    asked = len(target.requests)
    assert FAILING_AFTER <= asked <= 2 * FAILING_AFTER
    health = world.webhook(hook)["health"]
    assert (health["state"], health["consecutive_failures"]) == ("failing", asked)
    assert "500" in health["reason"]
    assert health["since"] is not None
    assert health["next_probe_at"] > health["since"]
    assert world.account(hook).pending == 100
    probes = []
    for _ in range(20):
        clock.advance(MINUTE)
        world.deliver(drain)
        probes.append(len(target.requests) - asked)
    assert probes[:3] == [1, 2, 3]
    assert probes[-1] <= 7, "the waits grow: 20, 40, 80, 160, 320, 600 seconds"
    assert world.account(hook).pending == 100


def test_the_first_success_opens_the_webhook_again(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hook = failing(world, target, drain)
    target.respond = lambda _request: Reply(200)
    clock.advance(11 * SECOND)
    world.deliver(drain)
    assert world.webhook(hook)["health"]["state"] == "healthy"
    clock.advance(3 * MINUTE)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 100
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("webhook")]
    assert told == ["webhook is failing", "webhook is healthy"]


def test_the_next_worker_goes_on_probing_where_the_last_one_was(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    hook = failing(world, target, drain)
    asked = len(target.requests)
    settle(successor, [hook.partition])
    assert len(target.requests) == asked
    clock.advance(11 * SECOND)
    settle(successor, [hook.partition])
    assert len(target.requests) == asked + 1


def test_a_failing_webhook_costs_its_neighbours_no_request_and_no_try(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.respond = lambda request: Reply(500 if request.path == "/dead" else 200)
    dead = world.add_webhook(target.url.replace("/hook", "/dead"))
    others = [world.add_webhook(target.url) for _ in range(5)]
    world.send_numbers(*HUNDRED)
    world.deliver(drain)
    assert [world.account(other).delivered for other in others] == [100] * 5
    assert sum(request.path == "/dead" for request in target.requests) <= 2 * FAILING_AFTER
    assert world.account(dead).pending == 100


def test_five_days_without_success_disable_and_resuming_delivers_what_was_kept(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hook = failing(world, target, drain)
    clock.advance(5 * DAY - HOUR)
    world.deliver(drain)
    assert world.webhook(hook)["state"] == "enabled"
    clock.advance(2 * HOUR)
    world.deliver(drain)
    shown = world.webhook(hook)
    assert shown["state"] == "disabled"
    assert "five days" in shown["state_reason"]
    assert "500" in shown["state_reason"]
    assert (shown["health"]["state"], shown["health"]["reason"]) == ("stopped", shown["state_reason"])
    assert shown["health"]["since"] > shown["health"]["without_success_since"]
    assert any(record.getMessage() == "webhook stopped" for record in caplog.records)
    asked = len(target.requests)
    world.send_numbers(101)
    clock.advance(DAY)
    world.deliver(drain)
    assert len(target.requests) == asked
    assert world.account(hook).pending == 100, "nothing new is owed, nothing old is dropped"
    target.respond = lambda _request: Reply(200)
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 100
    assert world.webhook(hook)["health"]["state"] == "healthy"
    assert world.ledger().balanced


def test_one_success_in_five_days_is_enough(world: World, target: Receiver, drain: Drain, clock: MovableClock) -> None:
    hook = failing(world, target, drain)
    target.script = [Reply(200)]
    clock.advance(3 * DAY)
    world.deliver(drain)
    clock.advance(3 * DAY)
    world.deliver(drain)
    assert world.webhook(hook)["state"] == "enabled"


def test_a_receiver_that_refuses_every_event_is_disabled_after_five_days_but_never_slowed(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.respond = lambda _request: Reply(302, (("location", "http://127.0.0.1:9/"),))
    hook = world.add_webhook(target.url)
    world.send_numbers(*HUNDRED)
    world.deliver(drain)
    assert world.states(hook) == [FAILED] * 100
    assert (world.webhook(hook)["state"], world.webhook(hook)["health"]["state"]) == ("enabled", "unsteady")
    clock.advance(5 * DAY + SECOND)
    world.send_numbers(101)
    world.deliver(drain)
    assert world.webhook(hook)["state"] == "disabled"


def test_resuming_with_a_probe_sends_one_delivery_first(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = failing(world, target, drain)
    asked = len(target.requests)
    shown = world.webhooks.resume(PLATFORM, hook.id, WITH_A_PROBE)
    assert shown["health"]["state"] == "failing"
    assert "one delivery goes first" in shown["health"]["reason"]
    world.deliver(drain)
    assert len(target.requests) == asked + 1, "it is still broken: one request told"
    target.respond = lambda _request: Reply(200)
    world.webhooks.resume(PLATFORM, hook.id, WITH_A_PROBE)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 100
    assert world.webhook(hook)["health"]["state"] == "healthy"
    clock.advance(HOUR)
    world.deliver(drain)
    assert len(target.requests) == asked + 2 + 99


def test_mending_the_endpoint_forgets_the_troubles_of_the_old_one(world: World, target: Receiver, drain: Drain) -> None:
    hook = failing(world, target, drain)
    world.change(hook.id, name="another name")
    assert world.webhook(hook)["health"]["state"] == "failing"
    target.respond = lambda _request: Reply(200)
    world.change(hook.id, endpoint_url=target.url.replace("/hook", "/mended"))
    assert world.webhook(hook)["health"]["state"] == "healthy"
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 100


def test_pausing_stops_what_was_claimed_and_resuming_sends_it_once(
    world: World, target: Receiver, drain: Drain
) -> None:
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 41))
    drain.turn([hook.partition])
    drain.launch()
    drain.poll(0.2)
    world.webhooks.pause(PLATFORM, hook.id)
    settle(drain, [hook.partition])
    sent = len(target.requests)
    assert sent < 40
    assert world.account(hook).delivered == sent
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 40
    assert len(target.requests) == len(set(target.ids)) == 40


def test_a_name_that_may_be_unresolved_through_our_own_fault_burns_no_try_but_is_probed(
    world: World, drain: Drain, clock: MovableClock
) -> None:
    hook = world.add_webhook("http://receiver.invalid/", retry={"schedule_s": []})
    world.send_numbers(1)
    for _ in range(3):
        world.deliver(drain)
        clock.advance(HOUR)
    assert world.states(hook) == [PENDING]
    assert {attempt.error_class for attempt in world.attempts(hook)} == {"dns"}
    assert {attempt.outcome for attempt in world.attempts(hook)} == {AttemptOutcome.OUR_FAULT}
    assert world.webhook(hook)["health"]["consecutive_failures"] == 3


def test_a_name_that_alone_is_unresolved_burns_its_tries(
    world: World, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReceiverWatch, "resolver_works", lambda _self, _now: True)
    hook = world.add_webhook("http://receiver.invalid/", retry={"schedule_s": []})
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(hook) == [FAILED]


@pytest.mark.parametrize(
    ("url", "proves"),
    [
        ("https://receiver.example/x", True),
        ("http://receiver.example:8080/", True),
        ("https://192.0.2.1/", False),
        ("https://[2001:db8::1]:8443/", False),
        ("http://localhost:9000/", False),
    ],
)
def test_only_a_name_that_was_looked_up_proves_the_resolver(url: str, proves: bool) -> None:  # noqa: FBT001 - a table
    watch = ReceiverWatch(lambda: 0.0)
    lane = SimpleNamespace(runtime=SimpleNamespace(binding=SimpleNamespace(endpoint_url=url)))
    watch.resolved(cast("Lane", lane), 10 * MINUTE)
    assert watch.resolver_works(10 * MINUTE + 59 * SECOND) is proves
    assert not watch.resolver_works(10 * MINUTE + 60 * SECOND)
