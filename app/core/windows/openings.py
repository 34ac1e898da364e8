"""The next times a change window opens, for people who check whether they wrote what they meant."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from app.core.clock import DAY, MINUTE, Micros
from app.core.windows.window import ChangeWindow

HORIZON: Micros = 400 * DAY
"""How far ahead is looked: a window that opens once a year is found, one that never opens ends the search."""
_MOST_STRETCHES = 1_000
"""Looked at for one window. Intervals that take turns all day are one opening of more pieces than anybody means."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One stretch of time in which a window is open; ``ends_at`` None = beyond what was looked at."""

    starts_at: Micros
    ends_at: Micros | None


def next_openings(window: ChangeWindow, after: Micros, count: int, horizon: Micros = HORIZON) -> list[Opening]:
    """The next openings, the present one first if it is open now; a recurring one is then told from now on.

    Args:
        window: the window; its grace is part of each opening.
        after: the moment to start from.
        count: how many to find at most.
        horizon: how far ahead to look.
    """
    if window.starts_at is not None and window.ends_at is not None:
        end = window.ends_at + window.grace
        return [Opening(window.starts_at, end)] if count and after < end else []
    now = after - after % MINUTE
    found = (one for one in _openings(window, now, now + horizon) if one.ends_at is None or one.ends_at > after)
    return [replace(one, starts_at=max(one.starts_at, now)) for one in islice(found, count)]


def _openings(window: ChangeWindow, now: Micros, limit: Micros) -> Iterator[Opening]:
    """The openings in order: the stretches of all intervals, each longer by the grace, those that then touch as one."""
    stretches = heapq.merge(*(interval.stretches(now - window.grace, limit) for interval in window.intervals))
    current: Opening | None = None
    for number, (begins, ends) in enumerate(stretches):
        closes = None if ends >= limit or number == _MOST_STRETCHES else ends + window.grace
        if current is None or (current.ends_at is not None and begins > current.ends_at):
            if current is not None:
                yield current
            current = Opening(begins, closes)
        elif current.ends_at is not None:
            current = replace(current, ends_at=None if closes is None else max(current.ends_at, closes))
        if current.ends_at is None:
            break
    if current is not None:
        yield current
