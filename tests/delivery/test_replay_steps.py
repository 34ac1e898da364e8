"""Stepping: two at once, commits that fail, long rounds, and steppers that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection

from app.core.clock import SECOND
from app.core.errors import StoreUnavailableError
from app.delivery import replaying
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from app.store.replays import Selection
from tests.conftest import MovableClock
from tests.delivery.replay_steps import (
    FAILED,
    NOWHERE,
    PENDING,
    put_in,
    seconds,
    start,
)
from tests.world import PLATFORM, World


def test_two_that_step_at_once_do_it_once(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(*range(1, 10))
    put_in(world, hook, FAILED, *range(9))
    clock.advance(SECOND)
    replay = start(replays, hook, per_s=3)
    clock.advance(SECOND)
    slow, take = Replayer(world.store), Replayer._take

    def late(self: Replayer, *arguments: Any, **more: Any) -> bool:
        if self is slow:
            replayer.step(clock())
        return take(self, *arguments, **more)

    monkeypatch.setattr(Replayer, "_take", late)
    assert slow.step(clock()) == set()
    assert replays.get(PLATFORM, replay)["done"] == 3
    assert world.states(hook) == [PENDING] * 3 + [FAILED] * 6


def test_a_step_that_cannot_commit_is_taken_again(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(1, 2)
    with_one = world.add_webhook(NOWHERE)
    clock.advance(SECOND)
    replay = start(replays, with_one, "backfill")
    clock.advance(SECOND)

    def away(*_: Any) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr("app.delivery.replaying.count_done", away)
        with pytest.raises(StoreUnavailableError):
            replayer.step(clock())
    assert replays.get(PLATFORM, replay)["done"] == 0
    assert world.ledger().balanced
    assert len(world.deliveries(with_one)) == 0
    replayer.step(clock())
    assert (len(world.deliveries(with_one)), len(world.deliveries(hook))) == (2, 2)
    assert world.ledger().balanced


def test_a_replay_that_cannot_go_on_ends_and_holds_up_no_other(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send_numbers(1)
    odd, even = world.add_webhook(NOWHERE), world.add_webhook(NOWHERE)
    clock.advance(SECOND)
    broken, whole = start(replays, odd, "backfill"), start(replays, even, "backfill")
    make = replaying._make

    def fails(connection: Connection, selection: Selection, *rest: Any) -> int:
        if selection.webhook_pk == odd.pk:
            raise KeyError("actor")
        return make(connection, selection, *rest)

    monkeypatch.setattr(replaying, "_make", fails)
    seconds(replayer, clock, 1)
    ended = replays.get(PLATFORM, broken)
    assert (ended["state"], ended["reason"], ended["done"]) == ("cancelled", "stopped by an error: KeyError", 0)
    assert replays.get(PLATFORM, whole)["state"] == "done"
    assert world.ledger().balanced


def test_a_long_round_is_cut_and_the_next_one_goes_on_behind_it(
    world: World, replays: ReplayService, clock: MovableClock
) -> None:
    world.send_numbers(1)
    hooks = [world.add_webhook(NOWHERE) for _ in range(3)]
    clock.advance(SECOND)
    made = [start(replays, hook, "backfill") for hook in hooks]
    moments = count()
    slow = Replayer(world.store, monotonic=lambda: float(next(moments)))
    ended = []
    for _ in hooks:
        seconds(slow, clock, 1)
        ended.append([replays.get(PLATFORM, replay)["state"] for replay in made].count("done"))
    assert ended == [1, 2, 3]


STEPPER = """
import sys
from app.core.clock import SECOND, system_clock
from app.delivery.replaying import Replayer
from app.store import open_store
replayer, now = Replayer(open_store(sys.argv[1])), system_clock() + 60 * SECOND * int(sys.argv[2])
while True:
    now += SECOND
    replayer.step(now)
    print(flush=True)
"""


def test_steppers_killed_at_any_moment_forget_nothing_and_do_nothing_twice(
    database_url: str, world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    world.send_numbers(*range(1, 401))
    hook = world.add_webhook(NOWHERE, mode="batch")
    clock.advance(SECOND)
    replay = start(replays, hook, "backfill", per_s=7)
    for round_ in range(3):
        child = subprocess.Popen([sys.executable, "-c", STEPPER, database_url, str(round_)], stdout=subprocess.PIPE)
        assert child.stdout
        for _ in range(4 + 3 * round_):
            child.stdout.readline()
        time.sleep(0.0007 * round_)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        done = replays.get(PLATFORM, replay)["done"]
        assert 0 < done < 400
        assert len(world.deliveries(hook)) == done, "what is counted is there, and nothing else"
        assert world.ledger().balanced
    clock.advance(200 * SECOND)
    seconds(replayer, clock, 60)
    shown = replays.get(PLATFORM, replay)
    assert (shown["state"], shown["done"], shown["total"]) == ("done", 400, 400)
    assert world.account(hook).owed == world.account(hook).matched == 400
    assert world.ledger().balanced


def test_a_long_search_goes_on_with_the_next_step(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "SPAN", 4)
    hook = world.add_webhook(NOWHERE)
    world.send_numbers(*range(1, 21))
    put_in(world, hook, FAILED, 0, 18)
    clock.advance(SECOND)
    replay = start(replays, hook, delivery_state=FAILED)
    done = []
    for _ in range(5):
        seconds(replayer, clock, 1)
        done.append(replays.get(PLATFORM, replay)["done"])
    assert done == [1, 1, 1, 1, 2]
    assert replays.get(PLATFORM, replay)["state"] == "done"
