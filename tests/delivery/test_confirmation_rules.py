"""What the settings, the schedule and the answers of the acknowledgement endpoint make of what is accepted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.core.clock import SECOND
from app.core.errors import ConflictError
from app.core.ids import delivery_id
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.redeliver import redeliver
from tests.conftest import MovableClock
from tests.delivery.hec import POLL, TOKEN, WAIT, Collector, add_hook, balanced, collecting
from tests.delivery.receiver import Reply
from tests.world import PLATFORM, World

ACCEPTED, DELIVERED, PENDING = DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.PENDING
FAILED = DeliveryState.FAILED


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No database changes these rules."""
    return sqlite_url


@pytest.mark.parametrize(
    ("acknowledgement", "state", "outcome", "doubts"),
    [
        ("fail", FAILED, AttemptOutcome.UNKNOWN, 1),
        ("unconfirmed", DELIVERED, AttemptOutcome.UNCONFIRMED, 0),
    ],
)
def test_what_is_never_acknowledged_ends_as_the_settings_say(
    world: World,
    collector: Collector,
    drain: Drain,
    clock: MovableClock,
    acknowledgement: str,
    state: DeliveryState,
    outcome: AttemptOutcome,
    doubts: int,
) -> None:
    hook = add_hook(world, collector, config={"acknowledgement": acknowledgement, "ack_wait_s": 20})
    collector.indexed = lambda _number: False
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(21 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [state]
    (attempt,) = world.attempts(hook)
    assert (attempt.outcome, attempt.error_class) == (outcome, "unconfirmed")
    assert len(collector.sent) == 1
    balanced(world, hook, confirming=0, duplicates_possible=doubts)


def test_the_schedule_ends_what_no_attempt_gets_acknowledged(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector, retry={"schedule_s": [60]})
    collector.indexed = lambda _number: False
    world.send_numbers(1)
    for _ in range(2):
        world.deliver(drain)
        clock.advance(WAIT + SECOND)
        world.deliver(drain)
        clock.advance(70 * SECOND)
    assert world.states(hook) == [FAILED]
    assert len(collector.sent) == 2
    balanced(world, hook, failed=1, duplicates_possible=2)


def test_nobody_is_asked_where_acknowledgements_are_ignored(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector, config={"acknowledgement": "ignore"})
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert world.attempts(hook)[0].outcome == AttemptOutcome.UNCONFIRMED
    assert collector.polls == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"text": "ACK is disabled", "code": 14}, "answered 400, HEC code 14: acknowledgement is disabled"),
        (403, {"text": "Invalid token", "code": 4}, "HEC code 4: the token is invalid"),
        (404, "not here", "answered 404"),
        (200, "<html>sign in</html>", "without acknowledgements"),
    ],
)
def test_a_refusal_of_the_question_is_never_delivered_but_stops_the_webhook_and_says_why(
    world: World, collector: Collector, drain: Drain, clock: MovableClock, status: int, body: Any, words: str
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    collector.ack_script = [Reply(status, body=raw)]
    clock.advance(WAIT + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [ACCEPTED]
    view = world.webhook(hook)
    assert view["state"] == "paused"
    assert words in view["health"]["reason"]
    confirmations = view["health"]["confirmations"]
    assert (confirmations["waiting"], confirmations["overdue"]) == (1, 1)
    assert words in confirmations["reason"]
    balanced(world, hook, confirming=1, delivered=0, duplicates_possible=0)
    clock.advance(WAIT)
    world.deliver(drain)
    assert len(collector.polls) == 1, "nobody asks for a webhook that is stopped"
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED], "what was asked late is asked before it is sent again"
    assert len(collector.sent) == 1


@pytest.mark.parametrize("reply", [Reply(503), Reply(500), Reply(429, (("retry-after", "40"),))])
def test_while_the_question_is_not_answered_the_wait_goes_on_and_health_shows_it(
    world: World, collector: Collector, drain: Drain, clock: MovableClock, reply: Reply
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    collector.ack_script = [reply] * 2
    for _ in range(2):
        clock.advance(WAIT + SECOND)
        world.deliver(drain)
    assert world.states(hook) == [ACCEPTED]
    health = world.webhook(hook)["health"]
    assert (health["state"], health["confirmations"]["overdue"]) == ("healthy", 1)
    assert f"answered {reply.status}" in health["confirmations"]["reason"]
    clock.advance(WAIT)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert world.webhook(hook)["health"]["confirmations"] is None
    assert len(collector.sent) == 1
    balanced(world, hook, delivered=1, duplicates_possible=0)


def test_a_receiver_that_is_away_is_asked_at_growing_intervals(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    collector.ack_script = [Reply(500)] * 3
    for wait in (11, 11, 21):
        clock.advance(wait * SECOND)
        world.deliver(drain)
    assert len(collector.polls) == 3
    clock.advance(30 * SECOND)
    world.deliver(drain)
    assert len(collector.polls) == 3, "40 seconds after the third"
    assert world.states(hook) == [ACCEPTED]


@pytest.mark.parametrize("change", ["endpoint", "sink"])
def test_another_receiver_is_not_asked_for_the_receipts_of_the_former(
    world: World, collector: Collector, drain: Drain, clock: MovableClock, change: str
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    with collecting() as other:
        if change == "endpoint":
            world.change(hook.id, endpoint_url=other.url, secrets={"token": TOKEN})
        else:
            world.change(hook.id, sink="webhook", endpoint_url=other.url, secrets={})
        clock.advance(POLL + SECOND)
        world.deliver(drain)
        assert world.states(hook) == [PENDING]
        assert "no longer be asked" in str(world.deliveries(hook)[0].reason)
        assert (collector.polls, other.polls) == ([], [])
    balanced(world, hook, pending=1, duplicates_possible=1)


def test_what_was_sent_on_a_channel_is_asked_about_on_that_channel(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    own = "0f0e0d0c-0b0a-4900-8807-060504030201"
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    world.change(hook.id, config={"gzip": False, "channel": own})
    world.send_numbers(2)
    world.deliver(drain)
    for _ in range(2):
        clock.advance(POLL + SECOND)
        world.deliver(drain)
    assert world.states(hook) == [DELIVERED, DELIVERED]
    first, second = (poll.header("x-splunk-request-channel") for poll in collector.polls)
    assert {first, second} == {own, collector.sent[0].header("x-splunk-request-channel")}


def test_nobody_redelivers_what_is_still_being_confirmed(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    public = delivery_id(hook.id, world.deliveries(hook)[0].event_seq)
    with world.store.write() as connection, pytest.raises(ConflictError, match="accepted: its receiver is still asked"):
        redeliver(connection, public, PLATFORM, clock())


def test_a_nearly_full_collector_gets_its_pause_and_is_asked_all_the_same(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    """Asking is what empties its channel."""
    collector.code, collector.pause_s = 25, 60
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    world.send_numbers(2)
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, PENDING]
    assert len(collector.sent) == 1
    balanced(world, hook, delivered=1, pending=1)
