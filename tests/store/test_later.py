"""What is written later is written once for many wishes, on a thread that goes when there is nothing left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.store.later import WritesLater


def await_that(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_many_wishes_become_one_write_and_a_later_one_another() -> None:
    written: list[float] = []
    later = WritesLater("later", lambda: written.append(time.monotonic()), pause_s=0.05)
    for _ in range(100):
        later.wake()
    await_that(lambda: len(written) == 1)
    await_that(lambda: "later" not in {thread.name for thread in threading.enumerate()})
    later.wake()
    await_that(lambda: len(written) == 2)


def test_a_write_that_fails_is_logged_and_the_next_one_comes() -> None:
    tries: list[int] = []

    def failing() -> None:
        tries.append(1)
        raise RuntimeError

    later = WritesLater("later", failing, pause_s=0.01)
    later.wake()
    await_that(lambda: len(tries) == 1)
    later.wake()
    await_that(lambda: len(tries) == 2)
