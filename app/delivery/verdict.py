"""From what came back to what happens next. Pure: the rules of retry, failure and parking in one place."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from app.core.clock import Micros
from app.core.retry import next_attempt
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.exchange import FailureClass, TransferFailure
from app.sinks.types import Outcome, Verdict

Jitter = Callable[[], float]
"""Answers a number from 0 up to but not including 1."""

JITTER: Jitter = random.random


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of one delivery after one attempt.

    ``stop_webhook`` is "", "paused" or "disabled": what must happen to the webhook itself, for the same reason.
    """

    state: DeliveryState
    outcome: AttemptOutcome
    due_at: Micros | None = None
    error_class: str | None = None
    detail: str | None = None
    tries_undone: int = 0
    stop_webhook: str = ""


def rule_on_outcome(
    outcome: Outcome, tries: int, schedule: tuple[int, ...], now: Micros, jitter: Jitter = JITTER
) -> Ruling:
    """The ruling on a sink's reading of an answer. PARTIAL and SPLIT are taken apart before they come here."""
    reason = outcome.reason or None
    match outcome.verdict:
        case Verdict.DELIVERED:
            return Ruling(DeliveryState.DELIVERED, AttemptOutcome.DELIVERED, detail=reason)
        case Verdict.ACCEPTED_UNCONFIRMED:
            return Ruling(DeliveryState.DELIVERED, AttemptOutcome.UNCONFIRMED, detail=reason)
        case Verdict.SINK_BROKEN:
            stop = "disabled" if outcome.disable else "paused"
            return Ruling(
                DeliveryState.PARKED,
                AttemptOutcome.SINK_BROKEN,
                error_class="sink_broken",
                detail=reason,
                tries_undone=1,
                stop_webhook=stop,
            )
        case Verdict.RETRY | Verdict.THROTTLE:
            kind = AttemptOutcome.RETRY if outcome.verdict is Verdict.RETRY else AttemptOutcome.THROTTLED
            return _again(kind, str(outcome.verdict), reason, tries, schedule, now, jitter, outcome.retry_after_s)
        case _:
            return Ruling(DeliveryState.FAILED, AttemptOutcome.REJECTED, error_class="rejected", detail=reason)


def rule_on_failure(
    failure: TransferFailure, tries: int, schedule: tuple[int, ...], now: Micros, jitter: Jitter = JITTER
) -> Ruling:
    """The ruling when no HTTP answer came."""
    kind = str(failure.kind)
    if failure.kind in (FailureClass.BLOCKED, FailureClass.CONFIGURATION):
        return Ruling(
            DeliveryState.PARKED,
            AttemptOutcome.BLOCKED,
            error_class=kind,
            detail=failure.detail,
            tries_undone=1,
            stop_webhook="paused",
        )
    outcome = AttemptOutcome.UNKNOWN if failure.request_sent else AttemptOutcome.RETRY
    return _again(outcome, kind, failure.detail, tries, schedule, now, jitter)


def rule_on_lost_worker(tries: int, schedule: tuple[int, ...], now: Micros) -> Ruling:
    """The ruling on an attempt whose worker died: retried at once, because nothing says the receiver is unwell."""
    detail = "the worker stopped between sending and recording; the receiver may have got it"
    if tries > len(schedule) + 1:
        return Ruling(DeliveryState.FAILED, AttemptOutcome.UNKNOWN, error_class="worker_lost", detail=detail)
    return Ruling(DeliveryState.PENDING, AttemptOutcome.UNKNOWN, now, "worker_lost", detail)


def _again(
    outcome: AttemptOutcome,
    kind: str,
    detail: str | None,
    tries: int,
    schedule: tuple[int, ...],
    now: Micros,
    jitter: Jitter,
    retry_after_s: float | None = None,
) -> Ruling:
    due_at = next_attempt(tries, schedule, now, jitter(), retry_after_s)
    state = DeliveryState.FAILED if due_at is None else DeliveryState.PENDING
    return Ruling(state, outcome, due_at, kind, detail)
