"""Reading a time interval as people write it, with errors that name the field and say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import InvalidInputError
from app.core.windows.interval import Range, TimeInterval

MAX_RANGES = 50
"""Ranges in one field."""
_DAY_END = 1440
_FIELDS = frozenset({"times", "weekdays", "days_of_month", "months", "years", "location"})
_CLOCK_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9]))|(24):(00)")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_LONGEST_ZONE_NAME = 64
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_LONGEST_MONTH = 31
_LAST_YEAR = 9999

Reader = Callable[[Any, str], int]
"""Reads one end of a range; takes the value and the place to name in an error."""


def read_interval(raw: Any, place: str, *, local_zone: str = "UTC") -> TimeInterval:
    """An interval from its JSON or YAML form.

    Args:
        raw: an object with ``times``, ``weekdays``, ``days_of_month``, ``months``, ``years`` and ``location``.
        place: dotted name of the interval, for errors.
        local_zone: what ``Local`` means: the organization's time zone.

    Raises:
        InvalidInputError: naming the field at fault.
    """
    if not isinstance(raw, Mapping):
        raise InvalidInputError("an interval is an object", field=place)
    unknown = sorted(str(key) for key in raw.keys() - _FIELDS)
    if unknown:
        raise InvalidInputError(
            f"there is no such field; use {', '.join(sorted(_FIELDS))}", field=f"{place}.{unknown[0]}"
        )
    location = raw.get("location") or "UTC"
    zone_name = local_zone if location == "Local" else location
    return TimeInterval(
        zone_name=zone_name,
        zone=read_zone(zone_name, f"{place}.location"),
        times=_times(raw.get("times"), f"{place}.times"),
        weekdays=_ranges(raw.get("weekdays"), f"{place}.weekdays", _weekday),
        days_of_month=_ranges(raw.get("days_of_month"), f"{place}.days_of_month", _day_of_month, check=_check_days),
        months=_ranges(raw.get("months"), f"{place}.months", _month),
        years=_ranges(raw.get("years"), f"{place}.years", _year),
    )


def read_zone(name: Any, place: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        InvalidInputError: there is no such zone.
    """
    if isinstance(name, str) and len(name) <= _LONGEST_ZONE_NAME and _ZONE_NAME.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            pass
    raise InvalidInputError("not a known time zone; use an IANA name such as Europe/Stockholm", field=place)


def _listed(raw: Any, place: str) -> list[Any]:
    if raw is None:
        return []
    if not isinstance(raw, list) or len(raw) > MAX_RANGES:
        raise InvalidInputError(f"give a list of at most {MAX_RANGES} ranges", field=place)
    return raw


def _times(raw: Any, place: str) -> tuple[Range, ...]:
    found = []
    for index, entry in enumerate(_listed(raw, place)):
        where = f"{place}.{index}"
        if not isinstance(entry, Mapping) or set(entry) != {"start_time", "end_time"}:
            raise InvalidInputError("give start_time and end_time", field=where)
        start = _clock_time(entry["start_time"], f"{where}.start_time")
        end = _clock_time(entry["end_time"], f"{where}.end_time")
        if start >= end:
            hint = "the end must be after the start; split a window over midnight into two, one that ends at 24:00 and "
            raise InvalidInputError(hint + "one that starts at 00:00", field=where)
        found.append((start, end))
    return tuple(found)


def _clock_time(raw: Any, place: str) -> int:
    match = _CLOCK_TIME.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise InvalidInputError("write a time as HH:MM, from 00:00 to 24:00", field=place)
    if match[3]:
        return _DAY_END
    return int(match[1]) * 60 + int(match[2])


def _ranges(raw: Any, place: str, read: Reader, check: Callable[[Range, str], None] | None = None) -> tuple[Range, ...]:
    found = []
    for index, entry in enumerate(_listed(raw, place)):
        where = f"{place}.{index}"
        pair = _range(entry, where, read)
        if check is not None:
            check(pair, where)
        elif pair[0] > pair[1]:
            raise InvalidInputError("the range ends before it starts; split it into two", field=where)
        found.append(pair)
    return tuple(found)


def _range(entry: Any, where: str, read: Reader) -> Range:
    if isinstance(entry, str) and ":" in entry:
        first, _, last = entry.partition(":")
        return read(first.strip(), where), read(last.strip(), where)
    only = read(entry, where)
    return only, only


def _check_days(pair: Range, place: str) -> None:
    first, last = pair
    if first < 0 < last:
        raise InvalidInputError("a range that starts from the end of the month cannot end from its start", field=place)
    # Days from the end are compared with days from the start only once the month is known.
    if (first < 0) == (last < 0) and first > last:
        raise InvalidInputError("the range ends before it starts; split it into two", field=place)


def _number(raw: Any, low: int, high: int) -> int | None:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        return None
    try:
        number = int(raw)
    except ValueError:
        return None
    return number if low <= number <= high else None


def _weekday(raw: Any, place: str) -> int:
    name = raw.lower() if isinstance(raw, str) else None
    if name not in _WEEKDAYS:
        raise InvalidInputError("write a day of the week in English, such as monday or monday:friday", field=place)
    return _WEEKDAYS.index(name)


def _month(raw: Any, place: str) -> int:
    if isinstance(raw, str) and raw.lower() in _MONTHS:
        return _MONTHS.index(raw.lower()) + 1
    number = _number(raw, 1, len(_MONTHS))
    if number is None:
        raise InvalidInputError("write a month as its English name or as a number from 1 to 12", field=place)
    return number


def _day_of_month(raw: Any, place: str) -> int:
    number = _number(raw, -_LONGEST_MONTH, _LONGEST_MONTH)
    if not number:
        raise InvalidInputError("write a day from 1 to 31, or from -31 to -1 counted from the month's end", field=place)
    return number


def _year(raw: Any, place: str) -> int:
    number = _number(raw, 1, _LAST_YEAR)
    if number is None:
        raise InvalidInputError("write a year as a number", field=place)
    return number
