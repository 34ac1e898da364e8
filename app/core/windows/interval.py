"""A recurring interval of time, with the semantics of Alertmanager's ``time_interval``.

An interval is the AND of its fields, a field is the OR of its ranges, and an absent field means any time. Everything
is judged by the wall clock of the interval's own time zone, so a clock that goes back repeats an hour and one that goes
forward leaves an hour out.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.core.clock import MINUTE, Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES_PER_HOUR = 60
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
        minute = _minute_of_day(local)
        return self._on_day(local) and (not self.times or any(start <= minute < end for start, end in self.times))

    def opens_on_day_of(self, moment: Micros) -> bool:
        """Whether the local day of a moment is one on which this interval can be open."""
        return self._on_day(self._local(moment))

    def time_of_day(self, moment: Micros) -> Micros:
        """What the interval's clock shows at a moment, to the minute, since its midnight."""
        return _minute_of_day(self._local(moment)) * MINUTE

    def _local(self, moment: Micros) -> datetime:
        return (_EPOCH + timedelta(minutes=moment // MINUTE)).astimezone(self.zone)

    def _on_day(self, local: datetime) -> bool:
        if not (_any(self.months, local.month) and _any(self.years, local.year)):
            return False
        if not _any(self.weekdays, local.isoweekday() % _DAYS_PER_WEEK):
            return False
        if not self.days_of_month:
            return True
        length = monthrange(local.year, local.month)[1]
        return any(_clamped_holds(pair, local.day, length) for pair in self.days_of_month)


def _minute_of_day(local: datetime) -> int:
    return local.hour * _MINUTES_PER_HOUR + local.minute


def _any(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def _clamped_holds(pair: Range, day: int, length: int) -> bool:
    """Whether a day of a month of this length is in a range whose ends may count from the month's end."""
    first, last = (bound + length + 1 if bound < 0 else bound for bound in pair)
    return first <= length and max(first, 1) <= day <= min(last, length)
