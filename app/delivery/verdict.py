"""From what came back to what happens next. Pure: the rules of retry, failure and parking in one place."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from app.core.clock import Micros
from app.core.retry import asks_for_more, next_attempt
from app.core.states import AttemptCause, AttemptOutcome, DeliveryState
from app.delivery.exchange import FailureClass, TransferFailure
from app.sinks.confirmations import OnExpiry
from app.sinks.types import Outcome, Verdict
from app.store.claim import Claimed

Jitter = Callable[[], float]
"""Answers a number from 0 up to but not including 1."""

JITTER: Jitter = random.random

THROTTLED_PER_TRY = 16
"""Every so manieth attempt of a delivery counts as a try although it was throttled. So an event that the receiver
throttles for ever, and no other, steps aside and comes to an end."""

SINGLE_TRY_WAIT = (60,)
"""Seconds to wait after our own fault, where the webhook's schedule knows no wait at all."""

MOST_LOSSES = 5
"""Workers that may die with a delivery in their hands before it counts as what killed them."""
SUSPECT_AFTER = 2
"""A delivery in whose company so many workers died is sent alone, so that its neighbours are not counted with it."""


class Ruling(NamedTuple):
    """What becomes of one delivery after one attempt.

    ``stop_webhook`` is "", "paused" or "disabled": what must happen to the webhook itself, for the same reason.
    ``cause`` is why the next attempt is made, if there is to be one.
    """

    state: DeliveryState
    outcome: AttemptOutcome
    due_at: Micros | None = None
    error_class: str | None = None
    detail: str | None = None
    tries_undone: int = 0
    stop_webhook: str = ""
    cause: AttemptCause = AttemptCause.SCHEDULE


_DELIVERED = Ruling(DeliveryState.DELIVERED, AttemptOutcome.DELIVERED)


def rule_on_outcome(
    outcome: Outcome,
    member: Claimed,
    schedule: tuple[int, ...],
    now: Micros,
    jitter: Jitter = JITTER,
    *,
    has_receipt: bool = False,
) -> Ruling:
    """The ruling on a sink's reading of an answer. PARTIAL and SPLIT are taken apart before they come here.

    ``has_receipt`` says that the receiver can be asked later whether what it accepted is safe.
    """
    reason = outcome.reason or None
    match outcome.verdict:
        case Verdict.DELIVERED:
            return _DELIVERED if reason is None else _DELIVERED._replace(detail=reason)
        case Verdict.ACCEPTED_UNCONFIRMED:
            state = DeliveryState.ACCEPTED if has_receipt else DeliveryState.DELIVERED
            return Ruling(state, AttemptOutcome.UNCONFIRMED, detail=reason)
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
        case Verdict.THROTTLE if member.attempt % THROTTLED_PER_TRY:
            # It keeps its place: what makes it wait is the webhook, and everything behind it waits too.
            state, kind = DeliveryState.PENDING, AttemptOutcome.THROTTLED
            cause = AttemptCause.THROTTLED if outcome.retry_after_s is None else AttemptCause.RETRY_AFTER
            return Ruling(state, kind, member.due_at, str(outcome.verdict), reason, tries_undone=1, cause=cause)
        case Verdict.RETRY | Verdict.THROTTLE:
            kind = AttemptOutcome.RETRY if outcome.verdict is Verdict.RETRY else AttemptOutcome.THROTTLED
            return _again(kind, str(outcome.verdict), reason, member, schedule, now, jitter, outcome.retry_after_s)
        case _:
            return Ruling(DeliveryState.FAILED, AttemptOutcome.REJECTED, error_class="rejected", detail=reason)


def rule_on_failure(
    failure: TransferFailure,
    member: Claimed,
    schedule: tuple[int, ...],
    now: Micros,
    jitter: Jitter = JITTER,
    *,
    resolver_works: bool = True,
) -> Ruling:
    """The ruling when no HTTP answer came.

    libcurl says the same of a name that does not exist and of a resolver that does not answer. Only when other names
    were resolved lately (``resolver_works``) is it the receiver's fault, and burns a try.

    A first attempt that went out on a kept connection just as the receiver closed it is repeated at once. Only the
    first: a receiver that closes every connection on the second request must not be asked without a pause.
    """
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
    if failure.kind is FailureClass.DNS and not resolver_works:
        detail = f"{failure.detail}; no other name was resolved lately, so it counts as no try"
        waits = schedule or SINGLE_TRY_WAIT
        due_at = next_attempt(min(member.tries, len(waits)), waits, now, jitter())
        return Ruling(DeliveryState.PENDING, AttemptOutcome.OUR_FAULT, due_at, kind, detail, tries_undone=1)
    if failure.was_kept and member.attempt == 1:
        unknown, pending = AttemptOutcome.UNKNOWN, DeliveryState.PENDING
        closed = AttemptCause.CONNECTION_CLOSED
        return Ruling(pending, unknown, member.due_at, kind, failure.detail, tries_undone=1, cause=closed)
    outcome = AttemptOutcome.UNKNOWN if failure.request_sent else AttemptOutcome.RETRY
    return _again(outcome, kind, failure.detail, member, schedule, now, jitter)


def rule_on_lost_worker(member: Claimed, *, alone: bool = True) -> Ruling:
    """The ruling on an attempt whose worker died: sent again at once, for nothing says that the receiver is unwell.

    No try is burnt. But a delivery that worker after worker dies with is set aside, once it is ``alone``: the only one
    that can be to blame.
    """
    if alone and member.losses >= MOST_LOSSES:
        detail = f"{member.losses} workers died with it in their hands"
        return Ruling(DeliveryState.FAILED, AttemptOutcome.UNKNOWN, error_class="worker_lost", detail=detail)
    detail = "the worker stopped between sending and recording; the receiver may have got it"
    return Ruling(DeliveryState.PENDING, AttemptOutcome.UNKNOWN, member.due_at, "worker_lost", detail)


UNCONFIRMED = "unconfirmed"
"""The error class of an attempt that the receiver accepted and never confirmed."""


def rule_on_expiry(
    on_expiry: OnExpiry, words: str, tries: int, schedule: tuple[int, ...], now: Micros, jitter: Jitter = JITTER
) -> Ruling:
    """The ruling on a delivery whose receipt expired; ``words`` say why. What is sent again may arrive twice."""
    if on_expiry is OnExpiry.UNCONFIRMED:
        return Ruling(DeliveryState.DELIVERED, AttemptOutcome.UNCONFIRMED, None, UNCONFIRMED, words)
    due_at = next_attempt(tries, schedule, now, jitter()) if on_expiry is OnExpiry.RESEND else None
    state = DeliveryState.FAILED if due_at is None else DeliveryState.PENDING
    return Ruling(state, AttemptOutcome.UNKNOWN, due_at, UNCONFIRMED, words)


def _again(
    outcome: AttemptOutcome,
    kind: str,
    detail: str | None,
    member: Claimed,
    schedule: tuple[int, ...],
    now: Micros,
    jitter: Jitter,
    retry_after_s: float | None = None,
) -> Ruling:
    due_at = next_attempt(member.tries, schedule, now, jitter(), retry_after_s)
    state = DeliveryState.FAILED if due_at is None else DeliveryState.PENDING
    asked = asks_for_more(member.tries, schedule, retry_after_s)
    cause = AttemptCause.RETRY_AFTER if asked else AttemptCause.SCHEDULE
    return Ruling(state, outcome, due_at, kind, detail, cause=cause)
