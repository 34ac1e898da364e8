"""Calling into plugins while events come in: bounded in time, and whatever goes wrong is named and harms nobody else.

Python cannot stop a function from outside. So a hook runs on threads of its own: one that hangs keeps its thread, and
whoever waited for it goes on without. It is then left alone for a while, and so is one that is slow again and again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from app.core.clock import MINUTE, Clock, Micros
from app.core.errors import RelaypointError
from app.routing.hook_faults import HookFaults
from app.sinks.brought import HookCall

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""How long a call is waited for."""
SLOW_S = 0.1
"""A call that takes longer is slow."""
SLOW_IN_A_ROW = 3
ASIDE: Micros = MINUTE
"""How long a hook is left alone after it hung, or was slow :data:`SLOW_IN_A_ROW` times in a row."""
THREADS = 4
"""Calls of one hook that run at a time."""
_IDLE_S = 10.0
_AnswerT = TypeVar("_AnswerT")


class HookFailedError(RelaypointError):
    """A hook gave no answer: it raised, took too long, or is left alone at present."""


class GuardedHook:
    """One plugin's hook, called safely. Used by any thread.

    Args:
        call: the hook.
        faults: told what goes wrong.
        clock: the time.
        patience_s: how long a call is waited for.
        slow_s: a call that takes longer is slow.
    """

    def __init__(
        self,
        call: HookCall,
        faults: HookFaults,
        clock: Clock,
        patience_s: float = PATIENCE_S,
        slow_s: float = SLOW_S,
    ) -> None:
        self.plugin = call.plugin
        self.function = call.function
        self._hook = call.hook
        self._faults = faults
        self._clock = clock
        self._patience_s = patience_s
        self._slow_s = slow_s
        self._threads = _Threads(f"{call.hook} of {call.plugin}")
        self._slow = 0
        self._aside_until: Micros = 0

    def __call__(self, *given: Any) -> Any:
        """The hook's own answer.

        Raises:
            HookFailedError: there is none.
        """
        return self.run(lambda: self.function(*given))

    def run(self, work: Callable[[], _AnswerT]) -> _AnswerT:
        """The answer of some work that calls the hook.

        Raises:
            HookFailedError: there is none.
        """
        if self._clock() < self._aside_until:
            raise HookFailedError(f"{self._hook} of {self.plugin} is left alone for now")
        job = _Job(work)
        began = time.perf_counter()
        self._threads.take(job)
        if not job.done.wait(self._patience_s):
            self._threads = _Threads(self._threads.name)
            self._leave_alone(f"hung for {self._patience_s:g} s")
            raise HookFailedError(f"{self._hook} of {self.plugin} does not come to an end")
        self._judge(time.perf_counter() - began)
        if job.error is not None:
            self.fault(job.error)
            raise HookFailedError(f"{self._hook} of {self.plugin} raised") from job.error
        return job.answer()

    def fault(self, error: BaseException) -> None:
        """Name what went wrong. A plugin's own message may quote what it was given, so only the type is told."""
        self._faults.note(self.plugin, self._hook, type(error).__name__)

    def _judge(self, took_s: float) -> None:
        self._slow = self._slow + 1 if took_s > self._slow_s else 0
        if self._slow >= SLOW_IN_A_ROW:
            self._slow = 0
            self._leave_alone(f"took more than {self._slow_s:g} s, {SLOW_IN_A_ROW} times in a row")

    def _leave_alone(self, why: str) -> None:
        self._aside_until = self._clock() + ASIDE
        self._faults.note(self.plugin, self._hook, f"{why}; left alone for {ASIDE // 1_000_000} s")


class _Job(Generic[_AnswerT]):
    """Some work and what came of it."""

    def __init__(self, work: Callable[[], _AnswerT]) -> None:
        self._work = work
        self._answers: list[_AnswerT] = []
        self.error: BaseException | None = None
        self.done = threading.Event()

    def do(self) -> None:
        try:
            self._answers.append(self._work())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self.error = error
        self.done.set()

    def answer(self) -> _AnswerT:
        return self._answers[0]


class _Threads:
    """A few threads that start with work, end when there is none for a while, and never hold up an exit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._jobs: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self._alive = 0
        self._free = 0

    def take(self, job: _Job[Any]) -> None:
        with self._mutex:
            self._jobs.put(job)
            if self._free >= self._jobs.qsize() or self._alive >= THREADS:
                return
            self._alive += 1
        threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._mutex:
                self._free += 1
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except queue.Empty:
                job = None
            with self._mutex:
                self._free -= 1
                if job is None and self._jobs.empty():
                    self._alive -= 1
                    return
            if job is not None:
                job.do()
