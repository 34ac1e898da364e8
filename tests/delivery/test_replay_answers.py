"""Redelivering by what the last attempt got: who is sent again gets another answer, and the set stays right."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.answer_class import AnswerClass
from app.core.clock import SECOND
from app.core.errors import StoreUnavailableError
from app.core.ids import delivery_id
from app.core.states import DeliveryState
from app.delivery import replaying
from app.delivery.drain import Drain
from app.delivery.redeliver import redeliver
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.delivery.replay_steps import (
    DELIVERED,
    FAILED,
    NOWHERE,
    PARKED,
    PENDING,
    SKIPPED,
    answered,
    order,
    put_in,
    seconds,
    start,
)
from tests.world import PLATFORM, Hook, World

REFUSED, BROKEN, NONE = AnswerClass.REFUSED, AnswerClass.BROKEN, AnswerClass.NONE


@pytest.fixture
def hook(world: World, clock: MovableClock) -> Hook:
    """A webhook with two deliveries that were refused, two that met a broken receiver and one that met none."""
    made = world.add_webhook(NOWHERE)
    world.send_numbers(*range(1, 6))
    put_in(world, made, FAILED, *range(5))
    answered(world, made, 404, 0, 2)
    answered(world, made, 503, 1, 3)
    answered(world, made, None, 4)
    clock.advance(SECOND)
    return made


def test_a_dry_run_counts_by_the_last_answer(world: World, replays: ReplayService, hook: Hook) -> None:
    def count(**more: Any) -> int:
        return replays.count(PLATFORM, hook.id, order(**more))

    assert [count(code=code) for code in AnswerClass] == [0, 0, 2, 2, 1]
    assert count(delivery_state=FAILED, code=BROKEN) == 2
    assert count(code=BROKEN, event_type="no.such.type") == 0
    put_in(world, hook, PARKED, 1)
    assert (count(code=BROKEN), count(delivery_state=FAILED, code=BROKEN)) == (2, 1)
    put_in(world, hook, SKIPPED, 1)
    assert (count(code=BROKEN), count(delivery_state=SKIPPED, code=BROKEN)) == (1, 1)
    put_in(world, hook, DELIVERED, 1)
    assert count(code=BROKEN) == 1, "a sink that calls 503 a success; what was delivered must be named"
    assert count(delivery_state=DELIVERED, code=BROKEN) == 1


def test_one_that_was_never_tried_has_no_answer_at_all(
    world: World, replays: ReplayService, clock: MovableClock
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1)
    put_in(world, hook, FAILED, 0)
    clock.advance(SECOND)
    assert [replays.count(PLATFORM, hook.id, order(code=code)) for code in AnswerClass] == [0] * 5


def test_only_those_with_the_answer_become_due_and_the_filter_is_shown(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, hook: Hook
) -> None:
    replay = start(replays, hook, code=BROKEN)
    shown = replays.get(PLATFORM, replay)
    assert (shown["total"], shown["filter"]["code"], shown["filter"]["state"]) == (2, "5xx", None)
    seconds(replayer, clock, 1)
    assert world.states(hook) == [FAILED, PENDING, FAILED, PENDING, FAILED]
    ended = replays.get(PLATFORM, replay)
    assert (ended["state"], ended["done"], ended["filter"]["code"]) == ("done", 2, "5xx")
    without = start(replays, hook, delivery_state=FAILED)
    assert replays.get(PLATFORM, without)["filter"]["code"] is None


@pytest.mark.parametrize(("status", "left"), [(400, FAILED), (200, DELIVERED)])
def test_each_is_sent_once_more_whatever_it_is_answered_then(
    world: World,
    target: Receiver,
    drain: Drain,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    status: int,
    left: DeliveryState,
) -> None:
    target.respond = lambda _request: Reply(400)
    hook = world.add_webhook(target.url, concurrency=1)
    world.send_numbers(*range(1, 5))
    world.deliver(drain)
    assert world.states(hook) == [FAILED] * 4
    target.respond = lambda _request: Reply(status)
    clock.advance(SECOND)
    replay = start(replays, hook, per_s=1, delivery_state=FAILED, code=REFUSED)
    for _ in range(4):
        seconds(replayer, clock, 1)
        world.deliver(drain)
    seconds(replayer, clock, 1)
    ended = replays.get(PLATFORM, replay)
    assert (ended["state"], ended["done"], ended["total"]) == ("done", 4, 4)
    assert world.states(hook) == [left] * 4
    assert target.ids[4:] == target.ids[:4], "each once, in ledger order"
    still = replays.count(PLATFORM, hook.id, order(delivery_state=FAILED, code=REFUSED))
    assert still == (4 if status == 400 else 0)
    assert world.ledger().balanced


def test_one_whose_answer_changed_before_its_turn_is_left_alone(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, hook: Hook
) -> None:
    replay = start(replays, hook, per_s=1, code=BROKEN)
    seconds(replayer, clock, 1)
    answered(world, hook, 404, 3)
    put_in(world, hook, FAILED, 1)
    seconds(replayer, clock, 2)
    ended = replays.get(PLATFORM, replay)
    assert (ended["state"], ended["done"], ended["total"]) == ("done", 1, 2)
    assert world.states(hook) == [FAILED] * 5


def test_one_whose_answer_changes_between_looking_and_taking_is_left_alone(
    world: World,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replay = start(replays, hook, code=BROKEN)
    take = Replayer._take

    def late(self: Replayer, *arguments: Any, **more: Any) -> bool:
        answered(world, hook, 404, 1)
        return take(self, *arguments, **more)

    monkeypatch.setattr(Replayer, "_take", late)
    seconds(replayer, clock, 1)
    assert world.states(hook) == [FAILED, FAILED, FAILED, PENDING, FAILED]
    assert replays.get(PLATFORM, replay)["done"] == 1


def test_one_that_somebody_redelivered_is_not_made_due_twice(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, hook: Hook
) -> None:
    replay = start(replays, hook, code=BROKEN)
    row = world.deliveries(hook)[3]
    with world.store.write() as connection:
        redeliver(connection, delivery_id(hook.id, row.event_seq), PLATFORM, clock())
    seconds(replayer, clock, 1)
    assert replays.get(PLATFORM, replay)["done"] == 1
    assert world.states(hook) == [FAILED, PENDING, FAILED, PENDING, FAILED]


def test_a_cancel_leaves_the_rest_with_its_answers_for_another_one(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, hook: Hook
) -> None:
    replay = start(replays, hook, per_s=1, code=REFUSED)
    seconds(replayer, clock, 1)
    cancelled = replays.cancel(PLATFORM, replay, by="key_b")
    assert (cancelled["done"], cancelled["total"]) == (1, 2)
    seconds(replayer, clock, 2)
    assert world.states(hook) == [PENDING, FAILED, FAILED, FAILED, FAILED]
    assert replays.count(PLATFORM, hook.id, order(code=REFUSED)) == 1
    start(replays, hook, code=REFUSED)
    seconds(replayer, clock, 1)
    assert world.states(hook) == [PENDING, FAILED, PENDING, FAILED, FAILED]


def test_a_step_that_dies_before_its_commit_is_taken_again_with_the_same_set(
    world: World,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replay = start(replays, hook, code=BROKEN)
    clock.advance(SECOND)

    def away(*_: Any) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr("app.delivery.replaying.count_done", away)
        with pytest.raises(StoreUnavailableError):
            replayer.step(clock())
    assert world.states(hook) == [FAILED] * 5
    Replayer(world.store).step(clock())
    assert world.states(hook) == [FAILED, PENDING, FAILED, PENDING, FAILED]
    assert replays.get(PLATFORM, replay)["done"] == 2


def test_a_long_search_for_an_answer_goes_on_with_the_next_step(
    world: World,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "SPAN", 2)
    replay = start(replays, hook, code=NONE)
    done = []
    for _ in range(3):
        seconds(replayer, clock, 1)
        shown = replays.get(PLATFORM, replay)
        done.append((shown["state"], shown["done"]))
    assert done == [("running", 0), ("running", 0), ("done", 1)]
    assert world.states(hook) == [FAILED] * 4 + [PENDING]
