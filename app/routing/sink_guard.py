"""Asking a sink on behalf of somebody who waits: bounded in time, so that a sink that hangs holds up nobody else.

The drain has its own way (``app.delivery.plugin_watch``). Here requests run on threads, which nothing can interrupt; so
the sink is asked on a thread of its own, and one that hung is left alone for a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import ValidationError

from app.core.clock import SECOND, Clock
from app.core.errors import InvalidInputError, RelaypointError
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import ASIDE, GuardedHook, HookFailedError
from app.sinks.brought import HookCall

PATIENCE_S = 5.0
"""How long a sink may take over the settings or the events of one request."""
_AnswerT = TypeVar("_AnswerT")


class AskSink(Protocol):
    """Runs some work that calls a sink's code."""

    def __call__(self, sink: str, work: Callable[[], _AnswerT]) -> _AnswerT:
        """The work's answer.

        Raises:
            InvalidInputError: the sink fails at this.
        """
        ...


def ask_at_once(sink: str, work: Callable[[], _AnswerT]) -> _AnswerT:  # noqa: ARG001 - as in the protocol
    """Without a bound of its own: where the caller has one, or nobody waits."""
    return work()


class SinkGuard:
    """Asks sinks in one process.

    Args:
        faults: told what goes wrong.
        clock: the time.
    """

    def __init__(self, faults: HookFaults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self._guards: dict[str, GuardedHook] = {}

    def __call__(self, sink: str, work: Callable[[], _AnswerT]) -> _AnswerT:
        """The work's answer; what the host's own code raises in it comes through, and so does a refusal of settings.

        Raises:
            InvalidInputError: the sink raised, hangs, or hung lately.
        """
        guard = self._guards.get(sink)
        if guard is None:
            call = HookCall(sink, "sink", work)
            guard = self._guards.setdefault(sink, GuardedHook(call, self._faults, self._clock, PATIENCE_S, PATIENCE_S))
        try:
            done = guard.run(lambda: _kept_apart(work))
        except HookFailedError as error:
            cause = error.__cause__
            why = type(cause).__name__ if cause else f"it hung; it is not asked again for {ASIDE // SECOND} s"
            raise InvalidInputError(f"sink {sink} failed: {why}", field="sink") from None
        return done()


def _kept_apart(work: Callable[[], _AnswerT]) -> Callable[[], _AnswerT]:
    """What came of the work, to be told in the thread that waits: an answer, or an error that is none of the sink's."""
    try:
        answer = work()
    except (RelaypointError, ValidationError) as error:
        refusal: Exception = error

        def refuse() -> _AnswerT:
            raise refusal

        return refuse
    return lambda: answer
