"""When sample events happen: mostly in office hours, some in the change windows, few at odd times.

The office is in a zone with central European time and its summer time (from 01:00 UTC on the last Sunday of March
to 01:00 UTC on the last Sunday of October). The rule is written out here because a small machine may have no time
zone database.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache

from app.core.clock import DAY, HOUR, MINUTE, SECOND, Micros

_EPOCH = date(1970, 1, 1)
_WINDOW_WEEKDAYS = (1, 3)
_WINDOW_SHARE_WHEN_SENSITIVE = 0.6
_WINDOW_SHARE_OTHERWISE = 0.012
"""With 15 % of events at sensitivity 4 or 5, these two put 10 % of all events into the windows, most of them grave."""
_OFFICE_SHARE = 85 / 90
SENSITIVE = 4

TUESDAY = 1
SUNDAY = 6


def start_of(until: Micros, count: int) -> Micros:
    """Where a stream of ``count`` events that ends at ``until`` begins: about 250 events a day, 21 to 90 days."""
    return until - min(90, max(21, count // 250)) * DAY


def draw_time(rng: random.Random, start: Micros, until: Micros, sensitivity: int) -> Micros:
    """The time of one routine event. Many of these, sorted, are a Poisson process in each kind of hour."""
    sensitive = sensitivity >= SENSITIVE
    in_window = rng.random() < (_WINDOW_SHARE_WHEN_SENSITIVE if sensitive else _WINDOW_SHARE_OTHERWISE)
    office = rng.random() < _OFFICE_SHARE
    while True:
        day = int(start + rng.random() * (until - start)) // DAY
        weekday = _weekday(day)
        if in_window:
            moment = at_local(day, 1) + int(rng.random() * 3 * HOUR)
            fits = weekday in _WINDOW_WEEKDAYS
        elif office:
            moment = at_local(day, 8) + int(rng.random() * 9 * HOUR)
            fits = weekday < 5  # noqa: PLR2004 - Monday to Friday
        else:
            moment = at_local(day, 17) + int(rng.random() * 15 * HOUR)
            fits = True
        if fits and start <= moment < until:
            return moment


def shuffled_moments(
    rng: random.Random, start: Micros, until: Micros, weekday: int | None, hour: int, minute: int
) -> list[Micros]:
    """``hour:minute`` local time of every day that is that weekday (None: Monday to Friday), in random order."""
    moments = [
        at_local(day, hour, minute) + rng.randrange(40) * SECOND
        for day in range(start // DAY + 1, until // DAY)
        if (_weekday(day) < SUNDAY - 1 if weekday is None else _weekday(day) == weekday)
    ]
    rng.shuffle(moments)
    return moments


def at_local(day: int, hour: int, minute: int = 0) -> Micros:
    """The instant of a local wall-clock time on the given day (days since the epoch)."""
    return day * DAY + (hour - _offset_hours(day)) * HOUR + minute * MINUTE


def _weekday(day: int) -> int:
    return (day + 3) % 7  # 1970-01-01 was a Thursday


@cache
def _offset_hours(day: int) -> int:
    at = _EPOCH + timedelta(days=day)
    return 2 if _last_sunday(at.year, 3) <= at < _last_sunday(at.year, 10) else 1


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def to_micros(moment: datetime) -> Micros:
    """A point in time as the project passes it around; a naive one is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
