"""A receiver that asks for less gets less: the whole webhook waits, in order, and no try is burnt."""

from __future__ import annotations

import pytest

from app.core.clock import HOUR, SECOND, to_rfc3339
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.verdict import THROTTLED_PER_TRY
from tests.conftest import MovableClock
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, World, settle

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttle_holds_the_whole_webhook_and_keeps_its_order(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, status: int
) -> None:
    target.script = [Reply(status, (("retry-after", "900"),))]
    hook = world.add_webhook(target.url, concurrency=1, retry={"schedule_s": []})
    world.send_numbers(*range(1, 6))
    world.deliver(drain)
    assert len(target.requests) == 1
    assert world.states(hook) == [PENDING] * 5
    health = world.webhook(hook)["health"]
    assert (health["state"], health["consecutive_failures"]) == ("throttled", 1)
    assert str(status) in health["reason"]
    assert to_rfc3339(clock() + 880 * SECOND) < health["next_probe_at"] <= to_rfc3339(clock() + 900 * SECOND)
    world.send_numbers(6)
    clock.advance(890 * SECOND)
    world.deliver(drain)
    assert len(target.requests) == 1, "nothing leaves before the time that the receiver named"
    clock.advance(11 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 6
    assert target.ids[0] == target.ids[1], "the throttled one goes first"
    assert world.webhook(hook)["health"]["state"] == "healthy"
    assert [attempt.outcome for attempt in world.attempts(hook)] == [
        AttemptOutcome.THROTTLED,
        AttemptOutcome.DELIVERED,
    ]
    assert world.ledger().balanced


@pytest.mark.parametrize(
    ("asked", "least_s", "most_s"),
    [
        ("120", 110, 120),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 110, 120),
        ("315360000", 24 * 3600 - 10, 24 * 3600),
        ("Wed, 01 Jan 2036 00:00:00 GMT", 24 * 3600 - 10, 24 * 3600),
        ("soon", 0, 1),
        ("-5", 0, 1),
    ],
)
def test_retry_after_counts_in_every_form_up_to_a_day(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, asked: str, least_s: int, most_s: int
) -> None:
    headers = (("retry-after", asked), ("date", "Thu, 01 Jan 2026 00:00:00 GMT"))
    target.respond = lambda _request: Reply(429, headers)
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    (row,) = world.deliveries(hook)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at <= clock() + most_s * SECOND
    clock.advance(max(0, least_s) * SECOND)
    sent = len(target.requests)
    if least_s:
        world.deliver(drain)
        assert len(target.requests) == sent


def test_the_next_worker_waits_as_the_first_one_was_asked_to(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(429, (("retry-after", "60"),))]
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    assert drain.held == set()
    settle(successor, [hook.partition])
    assert len(target.requests) == 1
    clock.advance(61 * SECOND)
    settle(successor, [hook.partition])
    assert world.states(hook) == [DELIVERED]


def test_a_throttled_webhook_does_not_slow_its_neighbour(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda request: Reply(429 if request.path == "/slow" else 200)
    slow = world.add_webhook(target.url.replace("/hook", "/slow"))
    fast = world.add_webhook(target.url)
    world.send_numbers(*range(1, 101))
    world.deliver(drain)
    assert world.account(fast).delivered == 100
    assert world.account(slow).pending == 100
    asked = [request for request in target.requests if request.path == "/slow"]
    assert len(asked) <= 16, "only what was on the wire when the first answer came"


def test_a_receiver_that_throttles_one_event_for_ever_gets_all_the_others(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.respond = lambda request: Reply(429 if b"new 1" in request.body else 200)
    hook = world.add_webhook(target.url, concurrency=1, retry={"schedule_s": []})
    world.send_numbers(1, 2, 3)
    for _ in range(THROTTLED_PER_TRY + 1):
        world.deliver(drain)
        clock.advance(HOUR)
    assert world.states(hook) == [FAILED, DELIVERED, DELIVERED]
    assert len(world.attempts(hook)) == THROTTLED_PER_TRY


def test_a_receiver_with_a_limit_gets_everything_and_no_storm(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    """It takes five requests a second and answers 429 to the rest, without a hint."""
    taken: dict[int, int] = {}

    def respond(_request: Received) -> Reply:
        second = clock() // SECOND
        taken[second] = taken.get(second, 0) + 1
        return Reply(200 if taken[second] <= 5 else 429)

    target.respond = respond
    hook = world.add_webhook(target.url, retry={"schedule_s": []})
    world.send_numbers(*range(1, 61))
    for _ in range(60):
        world.deliver(drain)
        clock.advance(2 * SECOND)
        if world.account(hook).delivered == 60:
            break
    assert world.account(hook).delivered == 60
    refused = len(target.requests) - 60
    assert refused <= 120, "at most two refusals for each that was taken"
    assert world.ledger().balanced


def test_resuming_lifts_a_hold(world: World, target: Receiver, drain: Drain) -> None:
    target.script = [Reply(429, (("retry-after", "86400"),))]
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
