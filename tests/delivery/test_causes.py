"""Every attempt says why it was made, and every pending delivery why it will be tried again."""

from __future__ import annotations

import pytest

from app.core.clock import SECOND
from app.core.ids import delivery_id
from app.core.receiver_health import FAILING_AFTER
from app.core.states import AttemptCause
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.redeliver import obstacle, redeliver
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from app.store.partitions import PARTITION_LEASE
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.delivery.replay_steps import seconds, start
from tests.world import PLATFORM, Hook, World, settle

C = AttemptCause


def causes(world: World, hook: Hook, number: int = 0) -> list[AttemptCause]:
    return [attempt.cause for attempt in world.attempts(hook, number)]


def public_id(world: World, hook: Hook, number: int = 0) -> str:
    return delivery_id(hook.id, world.deliveries(hook)[number].event_seq)


@pytest.mark.parametrize(
    ("status", "asked", "next_cause"),
    [
        (500, None, C.SCHEDULE),
        (500, "30", C.SCHEDULE),
        (500, "300", C.RETRY_AFTER),
        (429, "300", C.RETRY_AFTER),
        (429, None, C.THROTTLED),
    ],
)
def test_a_retry_says_whether_the_schedule_or_the_receiver_set_its_time(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, status: int, asked: str | None, next_cause: C
) -> None:
    target.script = [Reply(status, (("retry-after", asked),) if asked else ())]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    assert world.deliveries(hook)[0].next_attempt_cause is C.FIRST
    world.deliver(drain)
    assert world.deliveries(hook)[0].next_attempt_cause is next_cause
    clock.advance(400 * SECOND)
    world.deliver(drain)
    assert causes(world, hook) == [C.FIRST, next_cause]
    assert world.deliveries(hook)[0].next_attempt_cause is None


def test_redelivering_by_hand_adds_an_attempt_and_leaves_the_one_before_as_it_was(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    before = world.attempts(hook)
    target.script = [Reply(500)]
    with world.store.write() as connection:
        redeliver(connection, public_id(world, hook), PLATFORM, world.clock())
    assert world.deliveries(hook)[0].next_attempt_cause is C.BY_HAND
    world.deliver(drain)
    clock.advance(70 * SECOND)
    world.deliver(drain)
    assert causes(world, hook) == [C.FIRST, C.BY_HAND, C.SCHEDULE]
    assert world.attempts(hook)[:1] == before


def test_a_redelivery_of_many_and_a_backfill_are_told_apart(
    world: World,
    target: Receiver,
    drain: Drain,
    clock: MovableClock,
    replays: ReplayService,
    replayer: Replayer,
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    late = world.add_webhook(target.url)
    clock.advance(SECOND)
    start(replays, hook)
    start(replays, late, "backfill")
    seconds(replayer, clock, 1)
    world.deliver(drain)
    assert causes(world, hook) == [C.FIRST, C.REPLAY]
    assert causes(world, late) == [C.BACKFILL]


def test_after_a_worker_died_the_lost_attempt_keeps_its_cause_and_the_next_one_tells(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(70 * SECOND)
    drain.turn([hook.partition])
    clock.advance(PARTITION_LEASE + 50 * SECOND)
    settle(successor, [hook.partition])
    assert causes(world, hook) == [C.FIRST, C.SCHEDULE, C.WORKER_LOST]


def test_two_workers_that_die_with_a_batch_leave_both_lost_attempts_their_causes(
    world: World, target: Receiver, client: EgressClient, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 2})
    world.send_numbers(1, 2)
    for dead in (drain, successor):
        dead.turn([hook.partition])
        clock.advance(PARTITION_LEASE + 50 * SECOND)
    settle(world.drain(client), [hook.partition])
    assert causes(world, hook, 1) == [C.FIRST, C.WORKER_LOST, C.WORKER_LOST]


def test_what_a_stopping_worker_gives_back_keeps_its_cause(
    world: World, target: Receiver, drain: Drain, successor: Drain
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    with world.store.write() as connection:
        redeliver(connection, public_id(world, hook), PLATFORM, world.clock())
    drain.turn([hook.partition])
    drain.begin_stop()
    settle(drain, ())
    assert world.deliveries(hook)[0].next_attempt_cause is C.BY_HAND
    settle(successor, [hook.partition])
    assert causes(world, hook) == [C.FIRST, C.BY_HAND]


def test_what_goes_to_a_failing_receiver_is_a_probe(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.respond = lambda _request: Reply(500)
    hook = world.add_webhook(target.url, concurrency=1, retry={"schedule_s": [60]})
    world.send_numbers(*range(FAILING_AFTER + 1))
    world.deliver(drain)
    clock.advance(11 * SECOND)
    world.deliver(drain)
    assert causes(world, hook, FAILING_AFTER - 1) == [C.FIRST]
    assert causes(world, hook, FAILING_AFTER) == [C.PROBE]


def test_what_waited_when_its_webhook_was_resumed_says_so_but_not_a_first_attempt(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    world.webhooks.pause(PLATFORM, hook.id)
    world.send_numbers(2)
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert causes(world, hook) == [C.FIRST, C.RESUMED]
    assert causes(world, hook, 1) == [C.FIRST]


def test_a_held_webhook_says_until_when_instead_of_that_it_is_due(world: World, target: Receiver, drain: Drain) -> None:
    target.script = [Reply(429, (("retry-after", "900"),))]
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    with world.store.read() as connection:
        why = obstacle(connection, public_id(world, hook), PLATFORM, world.clock())
    assert why is not None
    assert "the webhook is throttled, because its receiver asked for fewer requests, and held back until 20" in why
