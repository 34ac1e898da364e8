"""Hooks of plugins are called so that no plugin holds up or breaks anybody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core.clock import MINUTE
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import ASIDE, SLOW_IN_A_ROW, GuardedHook, HookFailedError
from app.sinks.brought import HookCall


class Time:
    def __init__(self) -> None:
        self.now = 1_000 * MINUTE

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def faults(clock: Time) -> HookFaults:
    return HookFaults(clock)


def guarded(function: Callable[..., Any], faults: HookFaults, clock: Time, patience_s: float = 5.0) -> GuardedHook:
    return GuardedHook(HookCall("acme:plugin", "relaypoint_classify", function), faults, clock, patience_s)


def test_an_answer_comes_through(faults: HookFaults, clock: Time) -> None:
    hook = guarded(lambda one, two: one + two, faults, clock)
    assert [hook(1, 2), hook("a", "b")] == [3, "ab"]
    assert faults.counted() == []


@pytest.mark.parametrize("error", [ValueError("s3cret"), SystemExit(1), RecursionError(), MemoryError()])
def test_whatever_is_raised_is_counted_by_its_type_alone(faults: HookFaults, clock: Time, error: BaseException) -> None:
    def raising() -> None:
        raise error

    hook = guarded(raising, faults, clock)
    for _ in range(3):
        with pytest.raises(HookFailedError):
            hook()
    assert faults.counted() == [(("acme:plugin", "relaypoint_classify", type(error).__name__), 3)]


def test_a_hook_that_hangs_is_waited_for_once_and_then_left_alone(faults: HookFaults, clock: Time) -> None:
    over, calls = threading.Event(), []

    def hanging() -> str:
        calls.append(1)
        over.wait(30)
        return "late"

    hook = guarded(hanging, faults, clock, patience_s=0.05)
    began = time.monotonic()
    for _ in range(50):
        with pytest.raises(HookFailedError):
            hook()
    assert time.monotonic() - began < 5
    assert len(calls) == 1
    assert "hung" in next(iter(faults.counted()))[0].error
    over.set()
    clock.now += ASIDE
    assert hook() == "late"


def test_a_slow_hook_is_left_alone_after_some_times(faults: HookFaults, clock: Time) -> None:
    hook = GuardedHook(HookCall("acme:plugin", "relaypoint_classify", lambda: 7), faults, clock, slow_s=0.0)
    assert [hook() for _ in range(SLOW_IN_A_ROW)] == [7] * SLOW_IN_A_ROW
    with pytest.raises(HookFailedError, match="left alone"):
        hook()
    clock.now += ASIDE
    assert hook() == 7


def test_many_threads_call_at_once_and_each_gets_its_own_answer(faults: HookFaults, clock: Time) -> None:
    hook = guarded(lambda number: number * 2, faults, clock)
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(hook, range(500))) == [number * 2 for number in range(500)]


def test_the_same_fault_is_logged_once_a_minute(
    faults: HookFaults, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            faults.note("acme:plugin", "relaypoint_mask", "ValueError")
        clock.now += MINUTE
        faults.note("acme:plugin", "relaypoint_mask", "ValueError")
    assert [(vars(one)["plugin"], vars(one)["times"]) for one in caplog.records] == [
        ("acme:plugin", 1),
        ("acme:plugin", 11),
    ]
