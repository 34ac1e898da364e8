"""The next times a change window opens, for people who check whether they wrote what they meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.core.clock import DAY, HOUR, MINUTE, Micros
from app.core.windows.window import ChangeWindow

HORIZON: Micros = 400 * DAY
"""How far ahead is looked: a window that opens once a year is found, one that never opens ends the search."""
_QUARTER: Micros = 15 * MINUTE
_NEAR_MIDNIGHT: Micros = 3 * HOUR
"""A day is crossed in one step up to here; no change of a time zone's offset is longer."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One stretch of time in which a window is open; ``ends_at`` None = beyond the horizon."""

    starts_at: Micros
    ends_at: Micros | None


def next_openings(window: ChangeWindow, after: Micros, count: int) -> list[Opening]:
    """The next openings, the present one first if it is open now; a recurring one is then told from now on.

    Args:
        window: the window; its grace is part of each opening.
        after: the moment to start from.
        count: how many to find at most.
    """
    if window.starts_at is not None and window.ends_at is not None:
        end = window.ends_at + window.grace
        return [Opening(window.starts_at, end)] if count and after < end else []
    found: list[Opening] = []
    now = after - after % MINUTE
    for opening in _with_grace(_openings(window, now - window.grace), window.grace):
        if len(found) == count:
            break
        if opening.ends_at is None or opening.ends_at > after:
            found.append(replace(opening, starts_at=max(opening.starts_at, now)))
    return found


def _with_grace(openings: Iterator[Opening], grace: Micros) -> Iterator[Opening]:
    """Each opening lasts longer by the grace; those that then touch are one."""
    current: Opening | None = None
    for opening in openings:
        longer = replace(opening, ends_at=None if opening.ends_at is None else opening.ends_at + grace)
        if current is None or current.ends_at is None or opening.starts_at > current.ends_at:
            if current is not None:
                yield current
            current = longer
        else:
            current = replace(current, ends_at=longer.ends_at)
    if current is not None:
        yield current


def _openings(window: ChangeWindow, start: Micros) -> Iterator[Opening]:
    """The openings by the intervals alone, in order, up to the horizon."""
    limit = start + HORIZON
    moment: Micros | None = start
    while moment is not None:
        opens = _first(window, moment, limit, wanted=True)
        if opens is None:
            return
        moment = _first(window, opens, limit, wanted=False)
        yield Opening(opens, moment)


def _first(window: ChangeWindow, start: Micros, limit: Micros, *, wanted: bool) -> Micros | None:
    """The first moment from ``start``, a whole minute, at which the window is in the wanted state."""
    moment = start
    while moment < limit:
        if any(interval.contains(moment) for interval in window.intervals) is wanted:
            return moment
        moment += _step(window, moment) if _state_is_of_the_day(window, moment, wanted=wanted) else MINUTE
    return None


def _state_is_of_the_day(window: ChangeWindow, moment: Micros, *, wanted: bool) -> bool:
    """Whether nothing can change before the local day of some interval does."""
    if wanted:
        return not any(interval.opens_on_day_of(moment) for interval in window.intervals)
    return any(not interval.times and interval.contains(moment) for interval in window.intervals)


def _step(window: ChangeWindow, moment: Micros) -> Micros:
    """How far to go without stepping over a midnight of any interval; days begin at whole quarters everywhere."""
    left = min(DAY - interval.time_of_day(moment) for interval in window.intervals)
    return left - _NEAR_MIDNIGHT if left > _NEAR_MIDNIGHT else _QUARTER - moment % _QUARTER
