from __future__ import annotations

import threading
from collections.abc import Collection

import pytest

from app.core.clock import MINUTE
from app.queue.tick import Tick


class Heard:
    def __init__(self) -> None:
        self.rings: list[tuple[list[int], bool]] = []

    def ring(self, partitions: Collection[int], *, force: bool = False) -> None:
        self.rings.append((list(partitions), force))


def test_the_holder_of_the_lease_rings_what_is_due_by_force() -> None:
    heard = Heard()
    tick = Tick(take_lease=lambda _now: True, due_partitions=lambda now: [now, 7], doorbell=heard, clock=lambda: 5)
    assert tick.once() == [5, 7]
    assert heard.rings == [([5, 7], True)]


def test_a_tick_without_the_lease_does_not_even_look() -> None:
    heard = Heard()

    def never(_now: int) -> list[int]:
        raise AssertionError("looked")

    assert tuple(Tick(take_lease=lambda _: False, due_partitions=never, doorbell=heard, clock=lambda: 0).once()) == ()
    assert heard.rings == []


def test_the_tick_goes_on_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    heard = Heard()
    rounds: list[int] = []

    def flaky(now: int) -> list[int]:
        rounds.append(now)
        if len(rounds) == 1:
            raise OSError("no database")
        stop.set()
        return [1]

    tick = Tick(take_lease=lambda _: True, due_partitions=flaky, doorbell=heard, clock=lambda: 0)
    tick.run(stop, interval_s=0.001)
    assert heard.rings == [([1], True)]
    assert "tick failed" in caplog.text


def test_it_tidies_now_and_then_until_nothing_is_left() -> None:
    tidied: list[int] = []

    def tidy(now: int) -> bool:
        tidied.append(now)
        return len(tidied) == 1

    now = [1_000 * MINUTE]
    tick = Tick(
        take_lease=lambda _: True,
        due_partitions=lambda _: [],
        doorbell=Heard(),
        clock=lambda: now[0],
        tidy=tidy,
    )
    tick.once()
    tick.once()
    now[0] += 14 * MINUTE
    tick.once()
    now[0] += MINUTE
    tick.once()
    assert tidied == [1_000 * MINUTE, 1_000 * MINUTE, 1_015 * MINUTE]


def test_replays_move_after_the_rings_and_are_rung_themselves() -> None:
    heard = Heard()
    seen: list[int] = []

    def replay(_now: int) -> set[int]:
        seen.append(len(heard.rings))
        return {9}

    tick = Tick(take_lease=lambda _: True, due_partitions=lambda _: [2], doorbell=heard, clock=lambda: 0, replay=replay)
    assert tick.once() == [2, 9]
    assert (seen, heard.rings) == ([1], [([2], True), ([9], True)])
