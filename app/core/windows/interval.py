"""A recurring interval of time, with the semantics of Alertmanager's ``time_interval``.

An interval is the AND of its fields, a field is the OR of its ranges, and an absent field means any time. Everything
is judged by the wall clock of the interval's own time zone, so a clock that goes back repeats an hour and one that goes
forward leaves an hour out.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.core.clock import MINUTE, Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 1_440
_DAYS_PER_WEEK = 7

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
            change = min(moment - moment % MINUTE + self._steady_for(local, is_on_day=is_on_day) * MINUTE, until)
            while change - moment > MINUTE and self._local(change).utcoffset() != local.utcoffset():
                # The clock is changed on the way there: only a part of it is sure.
                change -= max(MINUTE, (change - moment) // (2 * MINUTE) * MINUTE)
            if is_on_day and self._at_time(local):
                yield moment, change
            moment = change

    def _steady_for(self, local: datetime, *, is_on_day: bool) -> int:
        """Minutes for which the answer stays what it is: until an edge, a midnight, or the end of a wrong month."""
        minute, end = _minute_of_day(local), _MINUTES_PER_DAY
        if is_on_day:
            end = min((edge for pair in self.times for edge in pair if edge > minute), default=end)
        elif not self._in_month(local):
            end *= monthrange(local.year, local.month)[1] - local.day + 1
        return end - minute

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


def _minute_of_day(local: datetime) -> int:
    return local.hour * _MINUTES_PER_HOUR + local.minute


def _any(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def day_in_range(pair: Range, day: int, length: int) -> bool:
    """Whether a day of a month of this length is in a range whose ends may count from the month's end."""
    first, last = (bound + length + 1 if bound < 0 else bound for bound in pair)
    return first <= length and max(first, 1) <= day <= min(last, length)
