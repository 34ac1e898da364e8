"""Batches: closed by count or age, split when too large, one stable id, members that never change."""

from __future__ import annotations

from itertools import chain
from typing import Any

import orjson
import pytest

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.sinks import Limits
from app.store.partitions import PARTITION_LEASE
from tests.conftest import MovableClock
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, Hook, World, settle

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED
AGE_S = 60


def batch_hook(world: World, target: Receiver, max_events: int = 3, **patch: Any) -> Hook:
    batch = {"max_events": max_events, "max_age_s": AGE_S}
    return world.add_webhook(target.url, mode="batch", batch=batch, **patch)


def event_ids(request: Received) -> list[str]:
    return [event["id"] for event in orjson.loads(request.body)]


def named(*numbers: int) -> list[str]:
    return [f"event-{number}" for number in numbers]


def test_a_full_batch_goes_at_once_and_the_rest_waits_for_its_age(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(*range(1, 6))
    settle(drain, [hook.partition])
    assert [event_ids(request) for request in target.requests] == [named(1, 2, 3)]
    assert world.states(hook) == [DELIVERED] * 3 + [PENDING] * 2
    clock.advance((AGE_S + 1) * SECOND)
    world.deliver(drain)
    assert [event_ids(request) for request in target.requests] == [named(1, 2, 3), named(4, 5)]
    assert world.states(hook) == [DELIVERED] * 5
    batches = [row.batch_id for row in world.deliveries(hook)]
    assert batches == [target.ids[0]] * 3 + [target.ids[1]] * 2
    assert world.ledger().balanced


def test_many_full_batches_all_go(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target, max_events=2)
    world.send_numbers(*range(1, 13))
    settle(drain, [hook.partition])
    assert sorted(chain.from_iterable(map(event_ids, target.requests))) == sorted(named(*range(1, 13)))
    assert len(set(target.ids)) == 6
    assert world.states(hook) == [DELIVERED] * 12


def test_a_retry_carries_the_same_id_and_the_same_members(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = batch_hook(world, target, retry={"schedule_s": [30]})
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    world.send_numbers(4)
    settle(drain, [hook.partition])
    assert len(target.requests) == 1
    clock.advance(31 * SECOND)
    world.deliver(drain)
    assert [event_ids(request) for request in target.requests] == [named(1, 2, 3)] * 2
    assert target.ids[0] == target.ids[1]
    assert target.requests[0].body == target.requests[1].body
    assert world.states(hook) == [DELIVERED] * 3 + [PENDING]


def test_a_batch_that_is_too_large_is_halved_until_it_fits(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda request: Reply(413 if len(event_ids(request)) > 1 else 200)
    hook = batch_hook(world, target, max_events=4)
    world.send_numbers(1, 2, 3, 4)
    settle(drain, [hook.partition])
    accepted = [event_ids(request) for request in target.requests if len(event_ids(request)) == 1]
    assert sorted(accepted) == [[name] for name in named(1, 2, 3, 4)]
    assert len(set(target.ids)) == len(target.ids) == 7
    assert world.states(hook) == [DELIVERED] * 4
    assert world.ledger().balanced


def test_a_single_event_that_is_too_large_fails_alone(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda request: Reply(413 if "event-2" in event_ids(request) else 200)
    hook = batch_hook(world, target)
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    assert world.states(hook) == [DELIVERED, FAILED, DELIVERED]


def test_only_the_unfinished_part_of_a_batch_is_sent_again(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    world.sinks.put(OddSink(victims=["event-2"]))
    target.script = [Reply(200, body=b"each")]
    hook = batch_hook(world, target, sink="odd", retry={"schedule_s": [30]})
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    assert world.states(hook) == [DELIVERED, PENDING, DELIVERED]
    clock.advance(31 * SECOND)
    world.deliver(drain)
    assert [event_ids(request) for request in target.requests] == [named(1, 2, 3), named(2)]
    assert world.states(hook) == [DELIVERED] * 3
    assert [attempt.n for attempt in world.attempts(hook, 1)] == [1, 2]


def test_results_that_do_not_fit_the_request_are_tried_again(world: World, target: Receiver, drain: Drain) -> None:
    world.sinks.put(OddSink())
    target.script = [Reply(200, body=b"misfit")]
    hook = batch_hook(world, target, sink="odd")
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    assert world.states(hook) == [PENDING] * 3
    assert world.attempts(hook)[0].outcome is AttemptOutcome.RETRY


def test_the_sinks_limits_cut_a_batch_into_requests_with_names_of_their_own(
    world: World, target: Receiver, drain: Drain
) -> None:
    world.sinks.put(OddSink(limits=Limits(max_events=2)))
    hook = batch_hook(world, target, max_events=5, sink="odd")
    world.send_numbers(*range(1, 6))
    settle(drain, [hook.partition])
    batch_id = world.deliveries(hook)[0].batch_id
    names = {request.header("webhook-id"): event_ids(request) for request in target.requests}
    assert sorted(names.values()) == [named(1, 2), named(3, 4), named(5)]
    assert all(name.startswith(f"{batch_id}-") for name in names)
    assert world.states(hook) == [DELIVERED] * 5


@pytest.mark.parametrize("method", ["format", "build_request"])
def test_a_plugin_that_raises_in_a_batch_parks_no_more_than_the_event(
    world: World, target: Receiver, drain: Drain, method: str
) -> None:
    world.sinks.put(OddSink(method, limits=Limits(max_events=2)))
    hook = batch_hook(world, target, max_events=4, sink="odd")
    world.send_numbers(1, 2, 3, 4)
    settle(drain, [hook.partition])
    assert world.states(hook) == [DeliveryState.PARKED] + [DELIVERED] * 3
    assert world.ledger().balanced


def test_a_dead_worker_leaves_its_batch_to_the_next(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, successor: Drain
) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2, 3)
    drain.turn([hook.partition])
    clock.advance(PARTITION_LEASE + 1)
    settle(successor, [hook.partition])
    assert [event_ids(request) for request in target.requests] == [named(1, 2, 3)]
    assert world.states(hook) == [DELIVERED] * 3
    assert [attempt.outcome for attempt in world.attempts(hook)] == [AttemptOutcome.UNKNOWN, AttemptOutcome.DELIVERED]
    assert world.account(hook).duplicates_possible == 3


def test_stopping_gives_an_unsent_batch_back_whole(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2, 3)
    drain.turn([hook.partition])
    drain.begin_stop()
    settle(drain, [])
    assert target.connections == 0
    assert world.states(hook) == [PENDING] * 3
    assert [row.attempt_count for row in world.deliveries(hook)] == [0, 0, 0]


def test_a_paused_batch_webhook_delivers_what_it_held_after_resuming(
    world: World, target: Receiver, drain: Drain
) -> None:
    hook = batch_hook(world, target)
    world.webhooks.pause(PLATFORM, hook.id)
    world.send_numbers(1, 2)
    world.deliver(drain)
    assert target.connections == 0
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert [event_ids(request) for request in target.requests] == [named(1, 2)]
    assert world.states(hook) == [DELIVERED] * 2


def test_an_id_that_was_accepted_never_carries_other_events(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    """A receiver that drops repeated ids would drop events it has never seen."""
    world.sinks.put(OddSink(limits=Limits(max_events=2)))
    target.respond = lambda request: Reply(500 if "event-3" in event_ids(request) else 200)
    hook = batch_hook(world, target, max_events=4, sink="odd", retry={"schedule_s": [30]})
    world.send_numbers(1, 2, 3, 4)
    settle(drain, [hook.partition])
    assert world.states(hook) == [DELIVERED] * 2 + [PENDING] * 2
    target.respond = lambda _request: Reply()
    clock.advance(31 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 4
    contents: dict[str, set[tuple[str, ...]]] = {}
    for request in target.requests:
        contents.setdefault(request.header("webhook-id"), set()).add(tuple(event_ids(request)))
    assert sorted(map(len, contents.values())) == [1, 1]
    assert len(target.requests) == 3


def test_a_half_keeps_its_id_when_it_is_tried_again(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = batch_hook(world, target, max_events=4, retry={"schedule_s": [30]})
    target.script = [Reply(413), Reply(500)]
    world.send_numbers(1, 2, 3, 4)
    settle(drain, [hook.partition])
    clock.advance(31 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 4
    halves = [(request.header("webhook-id"), event_ids(request)) for request in target.requests[1:]]
    assert len(halves) == 3
    assert halves.count(halves[2]) == 2
