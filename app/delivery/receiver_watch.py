"""Watching receivers: every request that ends tells something about the health of its webhook."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.core.clock import SECOND, Micros
from app.core.endpoint_url import origin
from app.core.receiver_health import (
    HEALTHY,
    Condition,
    Health,
    after_failure,
    after_refusal,
    after_success,
    after_throttle,
    held_back,
)
from app.core.retry import MAX_RETRY_AFTER_S
from app.delivery.exchange import FailureClass, TransferFailure
from app.delivery.lanes import Lane
from app.delivery.storable import storable
from app.delivery.verdict import Jitter
from app.sinks.types import Outcome, Verdict
from app.store.webhook_health import HealthChange

log = logging.getLogger(__name__)

RESOLVER_TRUST: Micros = 60 * SECOND
"""How long a look-up that worked proves that our resolver does."""
_NO_NAME = re.compile(r"[a-z+]+://(\[.*|[0-9.]+|localhost):[0-9]+")
_TOLD_QUIETLY = {Condition.HEALTHY, Condition.UNSTEADY}
"""Single misses are in the history; the log tells of what slows a webhook."""
_STOPPING = frozenset({FailureClass.BLOCKED, FailureClass.CONFIGURATION})


@dataclass(frozen=True, slots=True)
class Transition:
    """A webhook changed its condition."""

    webhook_id: str
    before: Condition
    after: Condition
    reason: str


class ReceiverWatch:
    """Keeps the health of every lane up to date, and what of it the database must learn.

    Args:
        jitter: for the waits.
    """

    def __init__(self, jitter: Jitter) -> None:
        self._jitter = jitter
        self._resolved_at: Micros = -RESOLVER_TRUST
        self._changed: dict[int, Lane] = {}
        self._transitions: list[Transition] = []

    def resolver_works(self, now: Micros) -> bool:
        """Whether a name of another receiver was resolved lately."""
        return now - self._resolved_at < RESOLVER_TRUST

    def resolved(self, lane: Lane, now: Micros) -> None:
        """A look-up that a request needed worked."""
        if _NO_NAME.fullmatch(origin(lane.runtime.binding.endpoint_url)) is None:
            self._resolved_at = now

    def changes(self) -> list[HealthChange]:
        """What the database must learn with the next record; kept until :meth:`written`."""
        return [HealthChange(pk, lane.runtime.version, lane.health) for pk, lane in self._changed.items()]

    def written(self) -> None:
        """The changes are committed: now they may be told."""
        for change in self._transitions:
            log.warning(
                "webhook is %s",
                change.after,
                extra={"webhook": change.webhook_id, "was": change.before, "reason": change.reason},
            )
        self._transitions.clear()
        self._changed.clear()

    def failed(self, lane: Lane, failure: TransferFailure, started_at: Micros, now: Micros) -> None:
        """No HTTP answer came to a request that started at ``started_at``."""
        if failure.kind in _STOPPING or failure.was_kept:
            return
        lane.narrow(started_at, now)
        health = after_failure(lane.health, failure.detail, now, started_at, self._jitter())
        self._set(lane, health)

    def answered(self, lane: Lane, outcomes: Iterable[Outcome], started_at: Micros, now: Micros) -> None:
        """An answer came and was read; a part of a request that was taken proves as much as the whole."""
        by_verdict = {outcome.verdict: outcome for outcome in outcomes}
        health = lane.health
        taken = by_verdict.get(Verdict.DELIVERED) or by_verdict.get(Verdict.ACCEPTED_UNCONFIRMED)
        if taken is not None:
            lane.widen()
            health = _after_taking(health, taken, started_at, now)
            if len(by_verdict) == 1 and health is lane.health:
                return
        if (throttle := by_verdict.get(Verdict.THROTTLE)) is not None:
            lane.narrow(started_at, now)
            health = after_throttle(health, throttle.reason, throttle.retry_after_s, now, started_at, self._jitter())
        elif taken is None and (retry := by_verdict.get(Verdict.RETRY)) is not None:
            health = after_failure(health, retry.reason, now, started_at, self._jitter())
        elif taken is None and (refused := by_verdict.get(Verdict.REJECT)) is not None:
            health = after_refusal(health, refused.reason, now)
        self._set(lane, health)

    def hold_for_head(self, lane: Lane, until: Micros) -> None:
        """The head of a strictly ordered webhook failed."""
        self._set(lane, held_back(lane.health, until))

    def _set(self, lane: Lane, health: Health) -> None:
        before = lane.health
        if health is before or health == before:
            return
        if health is not HEALTHY:
            health = replace(health, reason=storable(health.reason) or "")
        lane.health = health
        self._changed[lane.runtime.pk] = lane
        if health.condition is not before.condition and not {health.condition, before.condition} <= _TOLD_QUIETLY:
            self._transitions.append(
                Transition(lane.runtime.id, before.condition, health.condition, health.reason or before.reason)
            )


def _after_taking(health: Health, taken: Outcome, started_at: Micros, now: Micros) -> Health:
    """After a success; a receiver that took the events may still ask for a pause."""
    if health is not HEALTHY:
        health = after_success(health, started_at)
    if taken.retry_after_s is not None and 0 < taken.retry_after_s <= MAX_RETRY_AFTER_S:
        health = held_back(health, now + round(taken.retry_after_s * SECOND))
    return health
