"""First attempts leave in ledger order; a strict webhook never lets one pass a failing head; nobody is starved."""

from __future__ import annotations

import re

import pytest

from app.core.clock import MINUTE, SECOND
from app.core.errors import InvalidInputError
from app.core.states import DeliveryState
from app.delivery.drain import Drain
from app.store.partitions import PARTITION_LEASE
from tests.conftest import MovableClock
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, World, settle

DELIVERED, PENDING, FAILED, PARKED = (
    DeliveryState.DELIVERED,
    DeliveryState.PENDING,
    DeliveryState.FAILED,
    DeliveryState.PARKED,
)
_NUMBER = re.compile(rb'"new (\d+)"')


def number(request: Received) -> int:
    found = _NUMBER.search(request.body)
    assert found
    return int(found[1])


def numbers(target: Receiver) -> list[int]:
    return [number(request) for request in target.requests]


def test_first_attempts_leave_in_ledger_order_however_they_were_accepted(
    world: World, target: Receiver, drain: Drain
) -> None:
    world.add_webhook(target.url, concurrency=1)
    for first in range(1, 100, 20):
        world.send_numbers(*range(first, first + 20))
    world.deliver(drain)
    assert numbers(target) == list(range(1, 101))


def test_a_failing_head_steps_aside_by_default(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, concurrency=1, retry={"schedule_s": [60]})
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert numbers(target) == [1, 2, 3]
    clock.advance(61 * SECOND)
    world.send_numbers(4, 5)
    world.deliver(drain)
    assert numbers(target) == [1, 2, 3, 4, 5, 1], "first attempts go before a retry that is due as well"
    assert world.states(hook) == [DELIVERED] * 5


def test_a_failing_head_that_blocks_holds_all_behind_it_until_it_is_delivered(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(200), Reply(500), Reply(500)]
    hook = world.add_webhook(target.url, concurrency=1, failing_head="blocks", retry={"schedule_s": [60, 60]})
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert numbers(target) == [1, 2]
    world.send_numbers(4)
    clock.advance(59 * SECOND)
    world.deliver(drain)
    assert numbers(target) == [1, 2]
    for _ in range(2):
        clock.advance(61 * SECOND)
        world.deliver(drain)
    assert numbers(target) == [1, 2, 2, 2, 3, 4]
    assert world.states(hook) == [DELIVERED] * 4


def test_a_blocking_head_that_has_failed_lets_the_others_go(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.respond = lambda request: Reply(500 if number(request) == 1 else 200)
    hook = world.add_webhook(target.url, concurrency=1, failing_head="blocks", retry={"schedule_s": [60]})
    world.send_numbers(1, 2)
    world.deliver(drain)
    clock.advance(61 * SECOND)
    world.deliver(drain)
    assert numbers(target) == [1, 1, 2]
    assert world.states(hook) == [FAILED, DELIVERED]


def test_a_blocking_head_still_blocks_after_its_worker_died(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, concurrency=1, failing_head="blocks", retry={"schedule_s": [60]})
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    clock.advance(61 * SECOND)
    drain.turn([hook.partition])
    clock.advance(PARTITION_LEASE + 1)
    settle(successor, [hook.partition])
    assert numbers(target) == [1, 1, 2, 3]


def test_a_blocking_head_that_no_plugin_can_format_pauses_the_webhook(
    world: World, target: Receiver, drain: Drain
) -> None:
    sink = OddSink("format", victims=("event-2",))
    world.sinks.put(sink)
    hook = world.add_webhook(target.url, sink="odd", concurrency=1, failing_head="blocks")
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, PARKED, PENDING]
    assert world.webhook(hook)["state"] == "paused"
    sink.broken.clear()
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert numbers(target) == [1, 2, 3]


def test_a_batch_that_blocks_goes_before_those_closed_after_it(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    batch = {"max_events": 2}
    hook = world.add_webhook(
        target.url, mode="batch", batch=batch, concurrency=1, failing_head="blocks", retry={"schedule_s": [60]}
    )
    world.send_numbers(1, 2, 3, 4)
    settle(drain, [hook.partition])
    assert numbers(target) == [1]
    clock.advance(61 * SECOND)
    world.deliver(drain)
    assert numbers(target) == [1, 1, 3]
    assert world.states(hook) == [DELIVERED] * 4


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"failing_head": "blocks"}, "failing_head"),
        ({"failing_head": "blocks", "concurrency": 2}, "failing_head"),
    ],
)
def test_only_one_by_one_can_a_head_block(world: World, target: Receiver, patch: dict[str, object], field: str) -> None:
    hook = world.add_webhook(target.url)
    with pytest.raises(InvalidInputError) as caught:
        world.change(hook.id, **patch)
    assert caught.value.field == field
    world.change(hook.id, failing_head="blocks", concurrency=1)
    with pytest.raises(InvalidInputError) as caught:
        world.change(hook.id, concurrency=8)
    assert caught.value.field == "concurrency"
    assert world.change(hook.id, concurrency=8, failing_head="steps_aside")["failing_head"] == "steps_aside"


def test_a_heap_of_retries_does_not_keep_first_attempts_waiting(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    """Retries that hang take three quarters of the slots at most; what is new finds the others."""
    old = set(range(1, 17))

    def respond(request: Received) -> Reply:
        if number(request) in old and len(target.requests) > 16:
            target.released.wait(10)
        return Reply(500 if number(request) in old else 200)

    target.respond = respond
    hook = world.add_webhook(target.url, concurrency=16, retry={"schedule_s": [60]})
    world.send_numbers(*old)
    world.deliver(drain)
    assert world.account(hook).pending == 16
    clock.advance(2 * MINUTE)
    drain.turn([hook.partition])
    drain.launch()
    world.send_numbers(*range(17, 57))
    again = {hook.partition}
    for _ in range(400):
        if drain.turn_is_due(admitting=bool(again)):
            again = drain.turn(again)
        drain.launch()
        drain.poll(0.02)
        if world.account(hook).delivered == 40:
            break
    assert world.account(hook).delivered == 40, "while twelve retries hang"
    target.released.set()
    world.deliver(drain)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_long_backlog_of_first_attempts_does_not_starve_retries(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, concurrency: int
) -> None:
    target.script = [Reply(500)] * 4
    world.add_webhook(target.url, concurrency=concurrency, retry={"schedule_s": [60]})
    world.send_numbers(1, 2, 3, 4)
    world.deliver(drain)
    clock.advance(61 * SECOND)
    world.send_numbers(*range(5, 305))
    world.deliver(drain)
    seen = numbers(target)
    assert len(seen) == 308
    last_retry = max(place for place, one in enumerate(seen) if one <= 4)
    assert last_retry < 150, "retries have a share of each claim"
