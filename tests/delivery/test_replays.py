"""Redelivering and backfilling many: counted, at a bounded rate, behind what comes in; none twice, none forgotten."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, update
from standardwebhooks.webhooks import Webhook

from app.core.clock import HOUR, SECOND
from app.core.errors import ConflictError, InvalidInputError, NotFoundError
from app.delivery import replays as ordering
from app.delivery.drain import Drain
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from app.routing.webhook_input import Rotation
from app.security.scope import Scope
from app.store import Store
from app.store.due import due_partitions
from app.store.tables import deliveries, events
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.delivery.replay_steps import (
    DELIVERED,
    FAILED,
    NOWHERE,
    PARKED,
    PENDING,
    SKIPPED,
    order,
    put_in,
    seconds,
    start,
)
from tests.world import PLATFORM, World, audit


def test_a_dry_run_counts_what_the_filter_means_and_changes_nothing(
    world: World, replays: ReplayService, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1, 2, 3)
    clock.advance(HOUR)
    later = clock()
    world.send(*(audit(number) for number in (4, 5, 6)), audit(7, eventId="ise.configuration.audit"))
    put_in(world, hook, FAILED, 0, 1, 3, 6)
    put_in(world, hook, DELIVERED, 2)
    put_in(world, hook, SKIPPED, 4)
    clock.advance(SECOND)

    def count(**more: Any) -> int:
        return replays.count(PLATFORM, hook.id, order(**more))

    assert count(delivery_state=FAILED) == 4
    assert count(delivery_state=FAILED, since=later) == 2
    assert count(delivery_state=FAILED, until=later) == 2
    assert count(delivery_state=FAILED, event_type="ise.configuration.audit") == 1
    assert count(delivery_state=SKIPPED) == 1
    assert count(delivery_state=PARKED) == 0
    assert count() == 5, "pending ones go out by themselves, skipped ones must be named"
    assert world.states(hook) == [FAILED, FAILED, DELIVERED, FAILED, SKIPPED, PENDING, FAILED]


def test_a_replay_redelivers_under_the_same_id_with_the_secret_of_today_and_says_how_far_it_is(
    world: World, target: Receiver, drain: Drain, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    target.respond = lambda _request: Reply(400)
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 6))
    world.deliver(drain)
    assert world.states(hook) == [FAILED] * 5
    target.respond = lambda _request: Reply(200)
    secret = world.webhooks.rotate(PLATFORM, hook.id, Rotation(overlap_s=0))["secret"]
    clock.advance(SECOND)
    replay = start(replays, hook, per_s=3, delivery_state=FAILED)
    shown = replays.get(PLATFORM, replay)
    assert (shown["state"], shown["total"], shown["done"], shown["created_by"]) == ("running", 5, 0, "key_a")
    seconds(replayer, clock, 1)
    assert replays.get(PLATFORM, replay)["done"] == 3
    world.deliver(drain)
    seconds(replayer, clock, 1)
    world.deliver(drain)
    ended = replays.get(PLATFORM, replay)
    assert (ended["state"], ended["done"]) == ("done", 5)
    assert ended["ended_at"]
    assert world.states(hook) == [DELIVERED] * 5
    assert target.ids[5:] == target.ids[:5], "the same ids, in ledger order"
    for request in target.requests[5:]:
        Webhook(secret).verify(request.body, dict(request.headers))
    assert [attempt.n for attempt in world.attempts(hook)] == [1, 2]
    assert world.ledger().balanced
    seconds(replayer, clock, 3)
    world.deliver(drain)
    assert len(target.requests) == 10


def test_first_attempts_go_first_a_replay_waits_while_as_many_are_due(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(*range(1, 21))
    put_in(world, hook, FAILED, *range(20))
    world.send_numbers(*range(21, 25))
    clock.advance(SECOND)
    replay = start(replays, hook, per_s=5, delivery_state=FAILED)
    seconds(replayer, clock, 1)
    assert replays.get(PLATFORM, replay)["done"] == 1, "four fresh ones wait, five are the bound"
    seconds(replayer, clock, 5)
    assert replays.get(PLATFORM, replay)["done"] == 1, "nobody delivers, so nothing more becomes due"
    with world.store.write() as connection:
        waiting = select(func.count()).where(deliveries.c.webhook_pk == hook.pk, deliveries.c.due_at <= clock())
        assert connection.execute(waiting).scalar_one() == 5
        connection.execute(update(deliveries).where(deliveries.c.state == PENDING).values(state=DELIVERED, due_at=None))
    seconds(replayer, clock, 1)
    assert replays.get(PLATFORM, replay)["done"] == 6


@pytest.mark.parametrize("kind", ["redeliver", "backfill"])
def test_what_comes_in_goes_out_before_what_a_replay_made_due(
    world: World,
    target: Receiver,
    drain: Drain,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    kind: str,
) -> None:
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(1, 2, 3)
    put_in(world, hook, FAILED, 0, 1, 2)
    if kind == "backfill":
        world.webhooks.delete(PLATFORM, hook.id)
        hook = world.add_webhook(target.url, concurrency=1)
    clock.advance(SECOND)
    start(replays, hook, kind)
    seconds(replayer, clock, 1)
    world.send_numbers(4, 5)
    world.deliver(drain)
    assert [orjson.loads(request.body)["id"] for request in target.requests] == [f"event-{n}" for n in (4, 5, 1, 2, 3)]


def test_its_partition_is_due_at_once(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1)
    put_in(world, hook, FAILED, 0)
    clock.advance(SECOND)
    start(replays, hook)
    clock.advance(SECOND)
    assert replayer.step(clock()) == {hook.partition}
    with world.store.read() as connection:
        assert due_partitions(connection, clock()) == [hook.partition]
    assert replayer.step(clock()) == set()


def test_a_cancelled_replay_leaves_what_is_due_and_takes_no_more(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(*range(1, 6))
    put_in(world, hook, FAILED, *range(5))
    clock.advance(SECOND)
    replay = start(replays, hook, per_s=2)
    seconds(replayer, clock, 1)
    cancelled = replays.cancel(PLATFORM, replay, by="key_b")
    assert (cancelled["state"], cancelled["done"], cancelled["reason"]) == ("cancelled", 2, "cancelled by key_b")
    seconds(replayer, clock, 2)
    assert world.states(hook) == [PENDING] * 2 + [FAILED] * 3
    with pytest.raises(ConflictError, match="cancelled already"):
        replays.cancel(PLATFORM, replay, by="key_b")
    start(replays, hook, per_s=2)


def test_of_many_started_at_once_one_runs_and_the_others_are_told(
    world: World, replays: ReplayService, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1)
    put_in(world, hook, FAILED, 0)
    clock.advance(SECOND)
    ends: Counter[str] = Counter()
    together = threading.Barrier(10, timeout=20)

    def one() -> None:
        together.wait()
        try:
            start(replays, hook)
            ends["started"] += 1
        except ConflictError as error:
            ends[str(error)] += 1

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends == {"started": 1, "another replay of this webhook is running; wait for its end, or cancel it": 9}


def test_a_paused_webhook_makes_its_replay_wait_and_a_deleted_one_ends_it(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1, 2)
    put_in(world, hook, FAILED, 0, 1)
    clock.advance(SECOND)
    replay = start(replays, hook)
    world.webhooks.pause(PLATFORM, hook.id)
    seconds(replayer, clock, 2)
    shown = replays.get(PLATFORM, replay)
    assert (shown["state"], shown["done"], shown["reason"]) == ("running", 0, "waits: the webhook is paused")
    with pytest.raises(ConflictError, match="the webhook is paused; resume it first"):
        start(replays, hook)
    world.webhooks.delete(PLATFORM, hook.id)
    seconds(replayer, clock, 1)
    ended = replays.get(PLATFORM, replay)
    assert (ended["state"], ended["reason"]) == ("cancelled", "the webhook was deleted")
    assert world.states(hook) == [FAILED, FAILED]
    assert world.ledger().balanced


def test_a_clock_that_was_set_back_hides_no_event(world: World, replays: ReplayService, clock: MovableClock) -> None:
    world.send_numbers(1)
    noon = clock()
    clock.advance(2 * HOUR)
    world.send_numbers(2)
    clock.advance(-HOUR)
    world.send_numbers(3)
    clock.advance(3 * HOUR)
    world.send_numbers(4)
    hook = world.add_webhook(NOWHERE)
    wanted = order("backfill", noon + HOUR // 2, until=noon + HOUR + HOUR // 2)
    assert replays.count(PLATFORM, hook.id, wanted) == 1
    with world.store.read() as connection:
        received = connection.execute(select(events.c.received_at).order_by(events.c.seq)).scalars().all()
    assert received != sorted(received)


def test_an_empty_time_is_refused_by_name(world: World, replays: ReplayService) -> None:
    hook = world.add_webhook(NOWHERE)
    for since, until in ((5, 5), (6, 5), (2**60, None)):
        with pytest.raises(InvalidInputError) as refused:
            replays.count(PLATFORM, hook.id, order(since=since, until=until))
        assert refused.value.field == "since"


def test_more_than_the_bound_must_be_split(
    world: World, replays: ReplayService, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "LARGEST_REPLAY", 3)
    world.send_numbers(*range(1, 6))
    hook = world.add_webhook(NOWHERE)
    clock.advance(SECOND)
    with pytest.raises(InvalidInputError, match="more than 3 deliveries; take a shorter time"):
        replays.count(PLATFORM, hook.id, order("backfill"))


def test_a_replay_of_nothing_is_done_at_once(world: World, replays: ReplayService) -> None:
    hook = world.add_webhook(NOWHERE)
    replay = start(replays, hook, delivery_state=FAILED)
    shown = replays.get(PLATFORM, replay)
    assert (shown["state"], shown["total"], shown["done"]) == ("done", 0, 0)


def test_replays_are_listed_newest_first_and_to_nobody_else(
    world: World, store: Store, replays: ReplayService, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    made = [start(replays, hook) for _ in range(3)]
    first = replays.page(PLATFORM, hook.id, before=None, limit=2)
    assert [one["id"] for one in first.items] == made[:0:-1]
    rest = replays.page(PLATFORM, hook.id, before=first.next, limit=2)
    assert ([one["id"] for one in rest.items], rest.next) == (made[:1], None)
    for call in (
        lambda scope: replays.page(scope, hook.id, before=None, limit=2),
        lambda scope: replays.get(scope, made[0]),
        lambda scope: replays.cancel(scope, made[0], by="x"),
        lambda scope: replays.count(scope, hook.id, order()),
    ):
        with pytest.raises(NotFoundError):
            call(Scope("other"))
