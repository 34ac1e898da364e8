"""Lets the plugins' filter dialects count in this process, each call bounded in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.core.clock import Clock
from app.core.errors import InvalidInputError
from app.core.filters import DIALECTS, FilterFailedError
from app.core.filters.dialects import Compile, Judge
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import GuardedHook, HookFailedError
from app.sinks.brought import HookCall
from app.sinks.manager import SinkManager

PATIENCE_S = 0.2
"""How long one judgement is waited for: others wait for the same commit."""
SLOW_S = 0.02
_LONGEST_REFUSAL = 300


def understand_dialects(sinks: SinkManager, faults: HookFaults, clock: Clock) -> None:
    """The dialects of these plugins count from now on."""
    DIALECTS.understand({name: _compiler(call, faults, clock) for name, call in sinks.dialects().items()})


def _compiler(call: HookCall, faults: HookFaults, clock: Clock) -> Compile:
    def compiled(expression: str) -> tuple[Any, str]:
        try:
            return call.function(expression), ""
        except ValueError as wrong:
            return None, str(wrong)[:_LONGEST_REFUSAL] or "the dialect refuses this expression"

    hook = GuardedHook(replace(call, function=compiled), faults, clock)

    def compiler(expression: str) -> Judge:
        try:
            judge, refusal = hook(expression)
        except HookFailedError:
            raise InvalidInputError("the dialect's plugin failed on this expression; see the log") from None
        if refusal:
            raise InvalidInputError(refusal)
        if not callable(judge):
            hook.fault(TypeError())
            raise InvalidInputError("the dialect's plugin failed on this expression; see the log")
        return _judge(GuardedHook(replace(call, function=judge), faults, clock, PATIENCE_S, SLOW_S))

    return compiler


def _judge(hook: GuardedHook) -> Judge:
    """Each expression is guarded by itself: a slow one leaves the others at work."""

    def judge(event: Mapping[str, Any]) -> bool:
        try:
            answer = hook(event)
        except HookFailedError:
            raise FilterFailedError from None
        if answer is True or answer is False:
            return bool(answer)
        hook.fault(TypeError())
        raise FilterFailedError

    return judge
