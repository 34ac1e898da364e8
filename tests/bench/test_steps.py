from __future__ import annotations

import time

from bench.steps import STEPS, Stopwatch, _resolve


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_every_timed_step_exists_in_the_program() -> None:
    for target in STEPS:
        place, _, attribute = target.rpartition(".")
        assert callable(getattr(_resolve(place), attribute)), target


def test_a_step_is_not_charged_for_the_steps_inside_it() -> None:
    watch = Stopwatch()
    inner = watch.timed("inner", lambda: burn(0.02))

    def work() -> None:
        burn(0.005)
        inner()

    watch.timed("outer", work)()
    assert watch.seconds["inner"] >= 0.02
    assert 0.005 <= watch.seconds["outer"] < 0.015
