"""The health of a receiver: when a webhook slows down, waits, probes, opens again and gives up. Pure.

A *throttle* is the receiver's own wish (429, 503): the whole webhook waits as long as asked, or a little longer each
time when nothing was asked. A *failure* is a request without success: a run of them makes the webhook *failing*, and
then one delivery at a time is the probe, at growing intervals. The first success ends all of it. A *refusal* concerns
one event and slows nothing, but is no success either. Five days without any success are the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.clock import DAY, SECOND, Micros
from app.core.retry import JITTER_SPAN, MAX_RETRY_AFTER_S

FAILING_AFTER = 20
"""Failed requests in a row, over all deliveries, that make a webhook failing."""
FIRST_PROBE_S = 10
LONGEST_PROBE_S = 600
"""The first wait before a probe, doubled with every probe that fails, and the longest."""
FIRST_THROTTLE_S = 1
LONGEST_THROTTLE_S = 300
"""The first wait after a throttle without ``Retry-After``, doubled with the next one, and the longest."""
GIVE_UP_AFTER: Micros = 5 * DAY
"""A webhook without one success for so long is disabled."""


class Condition(StrEnum):
    """How a webhook that is enabled fares."""

    HEALTHY = "healthy"
    UNSTEADY = "unsteady"
    """The last request had no success."""
    THROTTLED = "throttled"
    """The receiver asked for fewer requests."""
    FAILING = "failing"
    """Nothing but probes leaves."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a receiver since its last success.

    Args:
        failures: failed requests in a row; a refusal of an event is none.
        misses: requests in a row that had no success, refusals included.
        backoffs: how many times in a row the webhook was held back.
        since: when the first of ``misses`` ended; 0 = there is none.
        held_until: nothing leaves before.
        held_at: when it was last held back. Requests that were under way then tell nothing new.
        throttled: the hold is the receiver's wish.
        reason: the last miss in words.
    """

    failures: int = 0
    misses: int = 0
    backoffs: int = 0
    since: Micros = 0
    held_until: Micros = 0
    held_at: Micros = 0
    throttled: bool = False
    reason: str = ""

    @property
    def is_probing(self) -> bool:
        """Whether only one request at a time may leave."""
        return self.failures >= FAILING_AFTER

    @property
    def condition(self) -> Condition:
        """The condition in a word."""
        if self.throttled:
            return Condition.THROTTLED
        if self.is_probing:
            return Condition.FAILING
        return Condition.UNSTEADY if self.misses else Condition.HEALTHY

    def is_given_up(self, now: Micros) -> bool:
        """Whether it had no success for so long, and so often, that the webhook should be disabled."""
        return self.misses >= FAILING_AFTER and now - self.since >= GIVE_UP_AFTER


HEALTHY = Health()


def after_success(health: Health, started_at: Micros) -> Health:
    """A request that started at ``started_at`` was delivered.

    It ends all trouble, unless it left before a throttle: then the wait stands, and only the count begins anew.
    """
    if health.throttled and started_at <= health.held_at:
        return replace(health, failures=0, misses=0, since=health.held_at)
    return HEALTHY


def after_refusal(health: Health, reason: str, now: Micros) -> Health:
    """The receiver answered, and wants none of this request's events: it works, so a probe has done its duty."""
    since = health.since or now
    return replace(health, failures=0, misses=health.misses + 1, since=since, throttled=False, reason=reason)


def after_failure(health: Health, reason: str, now: Micros, started_at: Micros, jitter: float) -> Health:
    """A request failed; ``jitter`` is random, from 0 up to but not including 1."""
    missed = _missed(health, reason, now)
    if not missed.is_probing or started_at <= health.held_at:
        return missed
    return _held(missed, now, _grown(FIRST_PROBE_S, LONGEST_PROBE_S, health.backoffs), jitter, throttled=False)


def after_throttle(
    health: Health, reason: str, retry_after_s: float | None, now: Micros, started_at: Micros, jitter: float
) -> Health:
    """The receiver asked for fewer requests; ``retry_after_s`` is the wait it named, None when it named none."""
    missed = _missed(health, reason, now)
    known = health.throttled and started_at <= health.held_at
    if retry_after_s is None or not 0 <= retry_after_s < math.inf:
        if known:
            return missed
        retry_after_s = _grown(FIRST_THROTTLE_S, LONGEST_THROTTLE_S, health.backoffs)
    held = _held(missed, now, min(retry_after_s, MAX_RETRY_AFTER_S), jitter, throttled=True)
    return replace(held, backoffs=health.backoffs, held_at=health.held_at) if known else held


def held_back(health: Health, until: Micros) -> Health:
    """Nothing leaves before a time, for a reason that says nothing about the receiver's health."""
    return replace(health, held_until=max(until, health.held_until))


def resumed_with_a_probe(now: Micros) -> Health:
    """A webhook that was resumed with care: one delivery goes first."""
    return Health(failures=FAILING_AFTER, misses=1, since=now, reason="resumed: one delivery goes first")


def _missed(health: Health, reason: str, now: Micros) -> Health:
    since = health.since or now
    return replace(health, failures=health.failures + 1, misses=health.misses + 1, since=since, reason=reason)


def _held(health: Health, now: Micros, wait_s: float, jitter: float, *, throttled: bool) -> Health:
    until = now + math.ceil(wait_s * SECOND * (1 + JITTER_SPAN * jitter))
    return replace(
        health,
        backoffs=health.backoffs + 1,
        held_until=max(until, health.held_until),
        held_at=now,
        throttled=throttled,
    )


def _grown(first_s: int, longest_s: int, times: int) -> float:
    return float(min(first_s << min(times, 20), longest_s))
