"""A recurring interval of time, with the semantics of Alertmanager's ``time_interval``.

An interval is the AND of its fields, a field is the OR of its ranges, and an absent field means any time. Everything
is judged by the wall clock of the interval's own time zone, so a clock that goes back repeats an hour and one that goes
forward leaves an hour out.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.core.clock import DAY, HOUR, MINUTE, Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 1_440
_DAYS_PER_WEEK = 7
_LONGEST_DROP: Micros = 4 * HOUR
"""No clock goes back by more: the furthest on record is three hours, at Casey station."""

Range = tuple[int, int]
"""First and last, both included."""


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Empty ranges of a field mean any.

    Args:
        zone_name: IANA name of the time zone, as it is shown.
        zone: the same as an object.
        times: minutes of the day, start included and end **excluded**; 1440 is 24:00.
        weekdays: 0 = Sunday to 6 = Saturday.
        days_of_month: 1 to 31, or -31 to -1 counted from the end of the month.
        months: 1 to 12.
        years: as written.
    """

    zone_name: str
    zone: tzinfo
    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()

    def contains(self, moment: Micros) -> bool:
        """Whether a moment lies inside; the answer is the same for all moments of one minute."""
        local = self._local(moment)
        return self._on_day(local) and self._at_time(local)

    def stretches(self, since: Micros, until: Micros) -> Iterator[Range]:
        """When it is open between two moments, as first moments inside and after; stretches may touch."""
        moment = since
        while moment < until:
            local = self._local(moment)
            is_on_day = self._on_day(local)
            if not is_on_day and until - moment <= MINUTE - moment % MINUTE:
                return
            if not is_on_day and not self._goes_back(moment, local, until):
                moment = self._first_moment_after(moment, local, until)
                continue
            change = min(moment - moment % MINUTE + self._steady_for(local) * MINUTE, until)
            while change - moment > MINUTE and self._local(change).utcoffset() != local.utcoffset():
                # The clock is changed on the way there: only a part of it is sure.
                change -= max(MINUTE, (change - moment) // (2 * MINUTE) * MINUTE)
            if is_on_day and self._at_time(local):
                yield moment, change
            moment = change

    def _steady_for(self, local: datetime) -> int:
        """Minutes for which the answer of a day stays what it is, by its clock: until an edge, or midnight."""
        minute = _minute_of_day(local)
        return min((edge for pair in self.times for edge in pair if edge > minute), default=_MINUTES_PER_DAY) - minute

    def _goes_back(self, moment: Micros, local: datetime, until: Micros) -> bool:
        """Whether the clock is about to go back over midnight, from a wrong day into a right one."""
        if not self._on_day(local - timedelta(days=1)):
            return False
        drop = self._offset(moment) - self._offset(min(moment + _LONGEST_DROP, until))
        left = drop - _minute_of_day(local) * MINUTE
        return left > 0 and self._offset(min(moment + left, until)) < self._offset(moment)

    def _offset(self, moment: Micros) -> Micros:
        return (self._local(moment).utcoffset() or timedelta()) // timedelta(microseconds=1)

    def _first_moment_after(self, moment: Micros, local: datetime, until: Micros) -> Micros:
        """When the next right day of a wrong day's month begins, or the next month, or any day behind ``until``."""
        length = monthrange(local.year, local.month)[1]
        last = min(length, local.day + (until - moment) // DAY + 2)
        in_month = range(local.day + 1, last + 1) if self._in_month(local) else ()
        following = next((day for day in in_month if self._on_day(local.replace(day=day))), last + 1)
        ahead = following - local.day
        if (date.max - local.date()).days < ahead:
            return moment + ahead * DAY
        midnight = local.replace(hour=0, minute=0, tzinfo=None) + timedelta(days=ahead)
        # A clock that goes back over midnight has two of them.
        found = (_moment(midnight.replace(tzinfo=self.zone, fold=fold)) for fold in (0, 1))
        return next((one for one in found if one > moment), moment - moment % MINUTE + MINUTE)

    def _local(self, moment: Micros) -> datetime:
        return (_EPOCH + timedelta(minutes=moment // MINUTE)).astimezone(self.zone)

    def _at_time(self, local: datetime) -> bool:
        minute = _minute_of_day(local)
        return not self.times or any(start <= minute < end for start, end in self.times)

    def _in_month(self, local: datetime) -> bool:
        return _any(self.months, local.month) and _any(self.years, local.year)

    def _on_day(self, local: datetime) -> bool:
        if not self._in_month(local):
            return False
        if not _any(self.weekdays, local.isoweekday() % _DAYS_PER_WEEK):
            return False
        if not self.days_of_month:
            return True
        length = monthrange(local.year, local.month)[1]
        return any(day_in_range(pair, local.day, length) for pair in self.days_of_month)


def _moment(local: datetime) -> Micros:
    return (local - _EPOCH) // timedelta(microseconds=1)


def _minute_of_day(local: datetime) -> int:
    return local.hour * _MINUTES_PER_HOUR + local.minute


def _any(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def day_in_range(pair: Range, day: int, length: int) -> bool:
    """Whether a day of a month of this length is in a range whose ends may count from the month's end."""
    first, last = (bound + length + 1 if bound < 0 else bound for bound in pair)
    return first <= length and max(first, 1) <= day <= min(last, length)
