"""A receiver or a plugin that cannot work stops its own webhook: nothing is lost, and resuming delivers it."""

from __future__ import annotations

import pytest

from app.core.clock import system_clock
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.store.holds import resume_returned_sinks
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Receiver, Reply
from tests.world import PLATFORM, World

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED
PARKED, SKIPPED = DeliveryState.PARKED, DeliveryState.SKIPPED


def test_a_receiver_that_is_gone_disables_its_webhook(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: Reply(410)
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 4))
    world.deliver(drain)
    assert len(target.requests) == 1, "what was queued behind it was not sent"
    shown = world.webhook(hook)
    assert shown["state"] == "disabled"
    assert "410" in shown["state_reason"]
    assert DELIVERED not in world.states(hook)
    assert world.ledger().balanced
    world.send_numbers(9)
    assert len(world.deliveries(hook)) == 3, "a disabled webhook is owed nothing more"


def test_a_broken_receiver_pauses_and_resuming_delivers_everything(
    world: World, target: Receiver, drain: Drain
) -> None:
    world.sinks.put(OddSink())
    target.respond = lambda _request: Reply(403)
    hook = world.add_webhook(target.url, sink="odd", concurrency=1)
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert world.webhook(hook)["state"] == "paused"
    assert world.states(hook)[0] is PARKED
    assert [attempt.outcome for attempt in world.attempts(hook)] == [AttemptOutcome.SINK_BROKEN]
    world.send_numbers(4)
    world.deliver(drain)
    assert len(target.requests) == 1
    assert world.ledger().balanced
    target.respond = lambda _request: Reply(200)
    world.webhooks.resume(PLATFORM, hook.id)
    assert hook.partition in world.rings.partitions
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 4
    assert len(set(target.ids)) == 4


def test_a_sink_that_went_missing_parks_and_its_return_resumes(
    world: World, target: Receiver, drain: Drain, client: EgressClient
) -> None:
    world.sinks.put(OddSink())
    hook = world.add_webhook(target.url, sink="odd")
    plain = world.add_webhook(target.url)
    sink = world.sinks.take_away("odd")
    world.send_numbers(1, 2)
    world.deliver(drain)
    assert (world.states(hook), world.states(plain)) == ([PARKED] * 2, [DELIVERED] * 2)
    assert world.webhook(hook)["state"] == "paused"
    assert world.ledger().balanced
    world.sinks.put(sink)
    with world.store.write() as connection:
        resume_returned_sinks(connection, world.sinks.names(), system_clock())
    world.deliver(world.drain(client))
    assert world.states(hook) == [DELIVERED] * 2


def test_a_forbidden_address_parks_without_a_connection(world: World, target: Receiver, strict: EgressClient) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(world.drain(strict))
    assert target.connections == 0
    assert world.states(hook) == [PARKED]
    assert world.webhook(hook)["state"] == "paused"
    (attempt,) = world.attempts(hook)
    assert (attempt.outcome, attempt.error_class) == (AttemptOutcome.BLOCKED, "blocked")
    assert world.account(hook).duplicates_possible == 0


@pytest.mark.parametrize("method", ["format", "build_request"])
def test_a_plugin_that_raises_parks_only_that_delivery(
    world: World, target: Receiver, drain: Drain, method: str
) -> None:
    world.sinks.put(OddSink(method))
    hook = world.add_webhook(target.url, sink="odd")
    world.send_numbers(1, 2)
    world.deliver(drain)
    first, second = world.deliveries(hook)
    assert (first.state, second.state) == (PARKED, DELIVERED)
    assert first.reason
    assert "RuntimeError" in first.reason
    assert "secret" not in first.reason
    assert world.attempts(hook)[0].outcome is AttemptOutcome.OUR_FAULT
    assert world.webhook(hook)["state"] == "enabled"
    assert world.ledger().balanced


@pytest.mark.parametrize(("status", "state"), [(204, DELIVERED), (500, PENDING), (422, FAILED)])
def test_when_a_plugin_cannot_read_an_answer_the_status_tells(
    world: World, target: Receiver, drain: Drain, status: int, state: DeliveryState
) -> None:
    world.sinks.put(OddSink("classify"))
    target.respond = lambda _request: Reply(status)
    hook = world.add_webhook(target.url, sink="odd")
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(hook) == [state]


def test_an_event_that_the_sink_cannot_tell_fails_with_its_reason(world: World, target: Receiver, drain: Drain) -> None:
    world.sinks.put(OddSink("reject"))
    hook = world.add_webhook(target.url, sink="odd")
    world.send_numbers(1, 2)
    world.deliver(drain)
    assert world.states(hook) == [FAILED, DELIVERED]
    assert world.deliveries(hook)[0].reason == "cannot be told"
    assert len(target.requests) == 1


def test_a_deleted_webhook_gets_nothing_more_and_still_balances(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.webhooks.delete(PLATFORM, hook.id)
    world.send_numbers(2)
    world.deliver(drain)
    assert target.connections == 0
    assert world.account(hook).skipped == 1
    assert world.ledger().balanced
