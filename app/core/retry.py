"""When to try again. A schedule is data: the waits, in seconds, between one try and the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.core.clock import SECOND, Micros
from app.core.errors import InvalidInputError

DEFAULT_SCHEDULE: tuple[int, ...] = (120, 240, 480, 960, 1920, 3840)
"""The vendor's back-off of 2, 4, 8, 16, 32 and 64 minutes after the first try: seven tries in 126 minutes."""

MAX_ENTRIES = 20
MIN_WAIT_S = 1
MAX_WAIT_S = 7 * 24 * 3600
MAX_RETRY_AFTER_S = 24 * 3600
"""A longer ``Retry-After`` counts as this."""

JITTER_SPAN = 0.1
"""Jitter lengthens a wait by up to a tenth and never shortens it: nobody is asked earlier than promised."""


def check_schedule(entries: Sequence[object]) -> tuple[int, ...]:
    """A schedule that somebody wrote, proved to be within bounds. An empty one means: a single try.

    Raises:
        InvalidInputError: more than 20 entries, or one that is not a whole number of seconds from 1 s to 7 days.
    """
    if len(entries) > MAX_ENTRIES:
        raise InvalidInputError(f"at most {MAX_ENTRIES} retries", field="retry.schedule_s")
    return tuple(_checked(index, entry) for index, entry in enumerate(entries))


def _checked(index: int, entry: object) -> int:
    if isinstance(entry, int) and not isinstance(entry, bool) and MIN_WAIT_S <= entry <= MAX_WAIT_S:
        return entry
    detail = f"must be a whole number of seconds from {MIN_WAIT_S} to {MAX_WAIT_S}"
    raise InvalidInputError(detail, field=f"retry.schedule_s.{index}")


def next_attempt(
    attempts_done: int, schedule: Sequence[int], now: Micros, jitter: float, retry_after_s: float | None = None
) -> Micros | None:
    """When a delivery that just failed is due again, or None if it has had all its tries.

    The wait is the schedule's or the receiver's ``Retry-After`` (at most 24 h), whichever is longer, and then up to
    a tenth more. The jitter lies on ``Retry-After`` too: a receiver that sends a thousand deliveries away with the
    same number should not meet them all again in the same second.

    Args:
        attempts_done: tries that counted so far, the failed one included. 0 (a try that did not count, such as a
            throttled one) waits for ``retry_after_s`` only.
        schedule: seconds after try 1, 2, …
        now: microseconds.
        jitter: random, from 0 up to but not including 1.
        retry_after_s: seconds the receiver asked for; nonsense (negative, not a number) is ignored.
    """
    if attempts_done > len(schedule):
        return None
    wait = max(_scheduled_s(attempts_done, schedule), _asked_s(retry_after_s)) * SECOND
    return now + math.ceil(wait + wait * JITTER_SPAN * jitter)


def asks_for_more(attempts_done: int, schedule: Sequence[int], retry_after_s: float | None) -> bool:
    """Whether the receiver's ``Retry-After`` is longer than the wait of the schedule, and so is what counts."""
    return attempts_done <= len(schedule) and _asked_s(retry_after_s) > _scheduled_s(attempts_done, schedule)


def _scheduled_s(attempts_done: int, schedule: Sequence[int]) -> int:
    return schedule[attempts_done - 1] if attempts_done else 0


def _asked_s(retry_after_s: float | None) -> float:
    if retry_after_s is None or math.isnan(retry_after_s) or retry_after_s < 0:
        return 0
    return min(retry_after_s, MAX_RETRY_AFTER_S)
