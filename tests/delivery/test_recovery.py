"""Workers that die, come late or hand over: at least once, and honest about it."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any

import pytest

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.verdict import MOST_LOSSES
from app.sinks import AnyBinding, Event, Item, OutboundRequest, Reject
from app.store.claim import DELIVERY_LEASE
from app.store.partitions import PARTITION_LEASE
from tests.conftest import MovableClock
from tests.delivery import hostile
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, World, settle, step

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED


def send_without_recording(drain: Drain, partition: int, target: Receiver, count: int) -> None:
    """What a worker does before it is killed: claim, commit, send."""
    drain.turn([partition])
    end = time.monotonic() + 10
    while len(target.requests) < count:
        drain.launch()
        drain.poll(0.02)
        assert time.monotonic() < end


def test_a_dead_worker_costs_a_duplicate_that_is_counted(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    send_without_recording(drain, hook.partition, target, 1)
    world.deliver(successor)
    assert len(target.requests) == 1, "the lease still protects what is in flight"
    clock.advance(PARTITION_LEASE + 1)
    settle(successor, [hook.partition])
    first, second = world.attempts(hook)
    assert (first.n, first.outcome, first.error_class) == (1, AttemptOutcome.UNKNOWN, "worker_lost")
    assert (second.n, second.outcome) == (2, AttemptOutcome.DELIVERED)
    assert target.ids[0] == target.ids[1]
    assert world.states(hook) == [DELIVERED]
    assert world.account(hook).duplicates_possible == 1
    assert world.ledger().balanced


def test_the_late_result_of_a_fenced_worker_changes_nothing(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(400)]
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    send_without_recording(drain, hook.partition, target, 1)
    clock.advance(PARTITION_LEASE + 1)
    settle(successor, [hook.partition])
    for _ in range(20):
        step(drain)
    assert drain.held == set()
    assert world.states(hook) == [DELIVERED], "the successor's word stands"
    assert [attempt.outcome for attempt in world.attempts(hook)] == [AttemptOutcome.UNKNOWN, AttemptOutcome.DELIVERED]
    assert world.account(hook).duplicates_possible == 1
    assert world.ledger().balanced


def test_workers_that_die_again_and_again_come_to_an_end(
    world: World, target: Receiver, client: EgressClient, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url, retry={"schedule_s": []})
    world.send_numbers(1)
    for _ in range(MOST_LOSSES):
        world.drain(client).turn([hook.partition])
        clock.advance(PARTITION_LEASE + 1)
    settle(world.drain(client), [hook.partition])
    assert world.states(hook) == [FAILED]
    assert "workers died" in str(world.deliveries(hook)[0].reason)
    assert [attempt.outcome for attempt in world.attempts(hook)] == [AttemptOutcome.UNKNOWN] * MOST_LOSSES
    assert target.connections == 0
    assert world.ledger().balanced


def test_workers_that_die_burn_no_try_of_a_receiver_that_was_never_asked(
    world: World, target: Receiver, client: EgressClient, clock: MovableClock
) -> None:
    hook = world.add_webhook(target.url, retry={"schedule_s": []})
    world.send_numbers(1)
    for _ in range(MOST_LOSSES - 1):
        world.drain(client).turn([hook.partition])
        clock.advance(PARTITION_LEASE + 1)
    settle(world.drain(client), [hook.partition])
    assert world.states(hook) == [DELIVERED]
    assert len(target.requests) == 1
    assert world.ledger().balanced


def test_what_kills_workers_is_found_alone_and_set_aside_while_its_neighbours_flow(
    world: World, target: Receiver, client: EgressClient, clock: MovableClock
) -> None:
    """The poison kills whoever starts it. The worker is a drain that is dropped at that moment."""

    class Killed(BaseException):
        pass

    class Poisoned(OddSink):
        def format(self, event: Event, binding: AnyBinding) -> Item | Reject:
            if b"new 3" in event.json:
                raise Killed
            return super().format(event, binding)

    world.sinks.put(Poisoned())
    hook = world.add_webhook(target.url, sink="odd")
    beside = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 7))
    deaths = 0
    for _ in range(2 * MOST_LOSSES):
        try:
            world.deliver(world.drain(client))
        except Killed:
            deaths += 1
            client.close()
            clock.advance(PARTITION_LEASE + 1)
    assert deaths == MOST_LOSSES
    assert world.states(beside) == [DELIVERED] * 6, "other webhooks of the same workers, too"
    assert world.states(hook) == [DELIVERED, DELIVERED, FAILED, DELIVERED, DELIVERED, DELIVERED]
    assert world.ledger().balanced


@pytest.mark.parametrize("poison", [1, 7, 12])
def test_what_kills_workers_in_a_batch_is_found_and_its_neighbours_are_delivered(
    world: World, target: Receiver, client: EgressClient, clock: MovableClock, poison: int
) -> None:
    class Killed(BaseException):
        pass

    class Poisoned(OddSink):
        def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
            if any(b'new %d"' % poison in item.body for item in items):
                raise Killed
            return super().build_request(items, binding)

    world.sinks.put(Poisoned())
    hook = world.add_webhook(target.url, mode="batch", sink="odd", batch={"max_events": 12})
    world.send_numbers(*range(1, 13))
    deaths = 0
    for _ in range(60):
        try:
            world.deliver(world.drain(client))
        except Killed:
            deaths += 1
            client.close()
        clock.advance(DELIVERY_LEASE + 1)
    # Five with the whole, under one id, and then at most four while it is cut in half.
    assert MOST_LOSSES <= deaths <= MOST_LOSSES + 4
    assert [n for n, state in enumerate(world.states(hook), 1) if state is not DELIVERED] == [poison]
    assert world.states(hook)[poison - 1] is FAILED
    assert "workers died" in str(world.deliveries(hook)[poison - 1].reason)
    assert world.ledger().balanced


def test_a_batch_that_outlives_its_workers_keeps_its_id(
    world: World, target: Receiver, client: EgressClient, clock: MovableClock
) -> None:
    """A receiver that got it before the death can tell that it comes again."""
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 3})
    world.send_numbers(1, 2, 3)
    for deaths in range(1, MOST_LOSSES):
        send_without_recording(world.drain(client), hook.partition, target, deaths)
        clock.advance(DELIVERY_LEASE + 1)
    settle(world.drain(client), [hook.partition])
    assert world.states(hook) == [DELIVERED] * 3
    assert len(target.requests) == MOST_LOSSES
    assert len(set(target.ids)) == 1
    assert world.ledger().balanced


def test_a_ring_between_the_last_look_and_the_release_is_not_lost(
    world: World, target: Receiver, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    commit = drain._after_commit

    def commit_and_ingest(held: set[int], *rest: Any) -> None:
        if not held and len(world.deliveries(hook)) == 1:
            # Its ring reached this very drain, which held the partition when it looked.
            world.send_numbers(2)
        commit(held, *rest)

    monkeypatch.setattr(drain, "_after_commit", commit_and_ingest)
    settle(drain, [hook.partition])
    assert world.states(hook) == [DELIVERED] * 2
    assert len(target.requests) == 2


def test_without_the_second_look_that_event_would_wait_for_the_tick(
    world: World, target: Receiver, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = world.add_webhook(target.url)
    commit = drain._after_commit

    def commit_and_ingest(*arguments: Any) -> None:
        if not world.deliveries(hook):
            world.send_numbers(1)
        commit(*arguments)

    monkeypatch.setattr(drain, "_after_commit", commit_and_ingest)
    monkeypatch.setattr(drain, "_rung_meanwhile", lambda _quiet: set())
    settle(drain, [hook.partition])
    assert world.states(hook) == [PENDING]


def test_a_hanging_receiver_does_not_delay_its_neighbour(world: World, target: Receiver, drain: Drain) -> None:
    def respond(request: Received) -> Reply:
        if request.path == "/hangs":
            target.released.wait(10)
        return Reply()

    target.respond = respond
    hanging = world.add_webhook(target.url.replace("/hook", "/hangs"))
    while (healthy := world.add_webhook(target.url)).partition != hanging.partition:
        world.webhooks.pause(PLATFORM, healthy.id)
    world.send_numbers(*range(1, 6))
    started = time.monotonic()
    admit = {hanging.partition}
    while world.states(healthy) != [DELIVERED] * 5:
        admit = step(drain, admit)
        assert time.monotonic() - started < 5
    assert DELIVERED not in world.states(hanging)
    world.send_numbers(6)
    while world.states(healthy) != [DELIVERED] * 6:
        admit = step(drain, admit)
        assert time.monotonic() - started < 8
    target.released.set()
    settle(drain, admit)
    assert world.states(hanging) == [DELIVERED] * 6


def test_stopping_gives_back_what_was_not_sent(world: World, target: Receiver, drain: Drain, successor: Drain) -> None:
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 6))
    drain.turn([hook.partition])
    drain.launch()
    drain.begin_stop()
    settle(drain, [])
    sent = len(target.requests)
    assert sent == 1
    assert world.states(hook) == [DELIVERED, *[PENDING] * 4]
    assert [row.attempt_count for row in world.deliveries(hook)] == [1, 0, 0, 0, 0]
    assert drain.held == set()
    world.deliver(successor)
    assert world.states(hook) == [DELIVERED] * 5
    assert len(target.requests) == 5
    assert world.account(hook).duplicates_possible == 0


def test_a_retry_waits_while_its_partition_changes_hands(
    world: World, target: Receiver, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    settle(successor, [hook.partition])
    assert len(target.requests) == 1
    clock.advance(61 * SECOND)
    world.deliver(successor)
    assert world.states(hook) == [DELIVERED]


def test_a_receiver_that_was_just_closing_an_idle_connection_gets_the_event_at_once_on_a_new_one(
    world: World, drain: Drain
) -> None:
    def closes_on_the_second(it: hostile.Receiver, connection: socket.socket) -> None:
        if it.take(connection):
            connection.sendall(hostile.OK)
            it.take(connection)

    with hostile.receiver(closes_on_the_second) as it:
        hook = world.add_webhook(f"http://127.0.0.1:{it.port}/", concurrency=1)
        world.send_numbers(1)
        world.deliver(drain)
        world.send_numbers(2)
        world.deliver(drain)
        assert len(it.requests) == 3
    lost, arrived = world.attempts(hook, 1)
    assert (lost.outcome, lost.error_class) == (AttemptOutcome.UNKNOWN, "connection_lost")
    assert arrived.outcome is AttemptOutcome.DELIVERED
    assert world.states(hook) == [DELIVERED] * 2
    assert world.account(hook).duplicates_possible == 1
    assert world.webhook(hook)["health"]["state"] == "healthy"
    assert world.ledger().balanced
