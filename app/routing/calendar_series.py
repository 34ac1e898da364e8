"""A recurring interval as the rules of a calendar (RFC 5545, section 3.3.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from app.core.windows.interval import Range, TimeInterval, day_in_range

AHEAD = timedelta(days=400)
"""A series that does not begin within this time is not found: the same as where openings are looked for."""
_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_LONG_MONTHS, _SHORT_MONTHS, _FEBRUARY = (1, 3, 5, 7, 8, 10, 12), (4, 6, 9, 11), (2,)
_LAST_YEAR = 9999
_LONGEST_MONTH = 31


@dataclass(frozen=True, slots=True)
class Series:
    """Days that recur by one rule.

    Args:
        first: the first of them, in the interval's own time zone.
        rule: the parts of its recurrence rule, by their names in lower case.
    """

    first: date
    rule: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Days:
    """Months, and days in them; None = any."""

    months: tuple[int, ...] | None
    days: tuple[int, ...] | None

    def holds(self, day: date, weekdays: tuple[int, ...] | None) -> bool:
        """Whether a day is one of them."""
        return (
            (self.months is None or day.month in self.months)
            and (weekdays is None or day.isoweekday() % 7 in weekdays)
            and (self.days is None or day.day in self.days or _from_end(day) in self.days)
        )


@dataclass(frozen=True, slots=True)
class DaysOfInterval:
    """All series of an interval that begin within ``AHEAD``, and whether these are all of its days to come."""

    series: tuple[Series, ...]
    is_all: bool


def days_of_interval(interval: TimeInterval, today: date) -> DaysOfInterval:
    """The days of an interval from a day on.

    Args:
        interval: its times of the day are not looked at.
        today: the present day in its time zone.
    """
    weekdays = _listed(interval.weekdays, 0, 6)
    groups, is_all = _groups(interval)
    found = []
    for first_year, last_year in _joined(interval.years) or [(1, _LAST_YEAR)]:
        if last_year < today.year:
            continue
        begins = max(today, date(first_year, 1, 1))
        for group in groups:
            first = next((day for day in _each_day(begins, today + AHEAD) if group.holds(day, weekdays)), None)
            if first is None or first.year > last_year:
                is_all = is_all and last_year < (today + AHEAD).year
            else:
                found.append(Series(first, _rule(group, weekdays, last_year, interval.zone)))
    return DaysOfInterval(tuple(found), is_all)


def _rule(group: _Days, weekdays: tuple[int, ...] | None, last_year: int, zone: tzinfo) -> dict[str, Any]:
    rule: dict[str, Any] = {"freq": "MONTHLY" if group.days else "WEEKLY" if weekdays else "DAILY"}
    if last_year < _LAST_YEAR:
        rule["until"] = datetime(last_year, 12, 31, 23, 59, 59, tzinfo=zone).astimezone(UTC)
    if group.months:
        rule["bymonth"] = list(group.months)
    if group.days:
        rule["bymonthday"] = list(group.days)
    if weekdays:
        rule["byday"] = [_DAYS[day] for day in weekdays]
    return rule


def _groups(interval: TimeInterval) -> tuple[list[_Days], bool]:
    """The months and days of an interval, and whether these are all of them.

    A range from a month's start to a day from its end needs a rule for each length of a month.
    """
    months = _listed(interval.months, 1, 12)
    ranges = interval.days_of_month
    if all((first < 0) == (last < 0) for first, last in ranges):
        listed = sorted({day for first, last in ranges for day in range(first, last + 1)})
        return [_Days(months, tuple(listed) or None)], True
    if any(first == 1 and last == -1 for first, last in ranges):
        return [_Days(months, None)], True
    groups: list[_Days] = []
    is_all = True
    for same_length, lengths in ((_LONG_MONTHS, (31,)), (_SHORT_MONTHS, (30,)), (_FEBRUARY, (28, 29))):
        wanted = tuple(month for month in same_length if months is None or month in months)
        days, is_said = _days_of_lengths(ranges, lengths)
        if wanted and days:
            groups.append(_Days(wanted, days))
        is_all = is_all and (is_said or not wanted)
    return groups, is_all


def _days_of_lengths(ranges: tuple[Range, ...], lengths: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """Days, from the start or the end, that are right in months of all these lengths; and whether none is left out."""
    meant = {length: {day for day in range(1, length + 1) if _in_any(ranges, day, length)} for length in lengths}
    from_start = {
        day for day in range(1, _LONGEST_MONTH + 1) if all(day in meant[n] or day > n for n in lengths)
    } & set().union(*meant.values())
    from_end = {-day for day in range(1, min(lengths) + 1) if all(n + 1 - day in meant[n] for n in lengths)}
    is_said = all(day in from_start or day - 1 - length in from_end for length in lengths for day in meant[length])
    needed = {day for day in from_end if any(n + 1 + day not in from_start for n in lengths)}
    return tuple(sorted(from_start)) + tuple(sorted(needed)), is_said


def _in_any(ranges: tuple[Range, ...], day: int, length: int) -> bool:
    return any(day_in_range(pair, day, length) for pair in ranges)


def _listed(ranges: tuple[Range, ...], low: int, high: int) -> tuple[int, ...] | None:
    """What is in any of the ranges; None for everything."""
    found = sorted({one for first, last in ranges for one in range(first, last + 1)})
    return None if not found or len(found) == high - low + 1 else tuple(found)


def _joined(ranges: tuple[Range, ...]) -> list[Range]:
    """The ranges in order, those that touch as one."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _each_day(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def _from_end(day: date) -> int:
    """The day of its month, counted from the end: -1 is the last one."""
    following = day.replace(day=28) + timedelta(days=4)
    return day.day - 1 - (following - timedelta(days=following.day)).day
