"""Rings go out beside the requests, together, and none is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from app.ingest.ringing import RingingThread


class SlowBell:
    def __init__(self) -> None:
        self.rung: list[set[int]] = []
        self.gate = threading.Event()

    def ring(self, partitions: Collection[int]) -> None:
        self.rung.append(set(partitions))
        self.gate.wait(10)


def wait_for(bell: SlowBell, rings: int) -> None:
    end = time.monotonic() + 5
    while len(bell.rung) < rings:
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_ring_does_not_wait_and_what_comes_meanwhile_is_rung_together() -> None:
    bell = SlowBell()
    ringing = RingingThread(bell)
    ringing.ring([1])
    wait_for(bell, 1)
    ringing.ring([2, 3])
    ringing.ring([3])
    ringing.ring([])
    bell.gate.set()
    wait_for(bell, 2)
    assert bell.rung == [{1}, {2, 3}]


def test_the_thread_waits_for_the_next_ring() -> None:
    bell = SlowBell()
    bell.gate.set()
    ringing = RingingThread(bell)
    for number in range(3):
        ringing.ring([number])
        wait_for(bell, number + 1)
    assert bell.rung == [{0}, {1}, {2}]
