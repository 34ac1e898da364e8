"""Bounds on somebody else's code, against code that really hangs and really eats."""

import re
import signal
import threading
import time
from collections.abc import Callable

import pytest

from app.sinks.bounds import PluginHungError, ends_within, takes_at_most

MIB = 1024 * 1024


def sleeps() -> None:
    time.sleep(60)


def loops() -> None:
    while True:
        pass


def backtracks() -> None:
    re.match(r"(a|a)+$", "a" * 60 + "b")


def waits_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def catches_the_first_interruption() -> None:
    try:
        time.sleep(60)
    except TimeoutError:
        time.sleep(60)


@pytest.mark.parametrize("hangs", [sleeps, loops, backtracks, waits_for_a_lock])
def test_whatever_hangs_is_interrupted(hangs: Callable[[], None]) -> None:
    began = time.monotonic()
    with pytest.raises(PluginHungError, match=re.escape("within 0.1 s")), ends_within(0.1):
        hangs()
    assert time.monotonic() - began < 5


def test_who_catches_the_interruption_is_interrupted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sinks.bounds.AGAIN_S", 0.1)
    with pytest.raises(PluginHungError), ends_within(0.1):
        catches_the_first_interruption()


def test_a_timer_that_ran_before_goes_on_and_keeps_its_handler() -> None:
    before = signal.getsignal(signal.SIGALRM)
    left_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
    with ends_within(5):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    after_s, same_interval_s = signal.getitimer(signal.ITIMER_REAL)
    assert same_interval_s == interval_s
    assert left_s - 5 < after_s <= left_s


def test_another_thread_runs_without_a_bound() -> None:
    done: list[str] = []

    def work() -> None:
        with ends_within(0.01):
            time.sleep(0.1)
            done.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["done"]


def test_who_takes_more_memory_than_allowed_gets_a_memory_error_and_others_do_not() -> None:
    with takes_at_most(64 * MIB):
        kept = bytearray(MIB)
        with pytest.raises(MemoryError):
            bytearray(512 * MIB)
    assert len(kept) + len(bytearray(128 * MIB)) == 129 * MIB
