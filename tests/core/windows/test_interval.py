"""Recurring intervals against a table of moments, and against a second reading of the same rules."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.clock import DAY, MINUTE, Micros
from app.core.errors import InvalidInputError
from app.core.windows.interval_input import read_interval

NIGHTS = {
    "weekdays": ["tuesday", "thursday"],
    "times": [{"start_time": "01:00", "end_time": "04:00"}],
    "location": "Europe/Stockholm",
}
SUNDAY_NIGHT = {
    "weekdays": ["sunday"],
    "times": [{"start_time": "02:00", "end_time": "03:00"}],
    "location": "Europe/Stockholm",
}
OFFICE = {"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]}
LATE = {"times": [{"start_time": "22:00", "end_time": "24:00"}], "location": "America/New_York"}
LAST_DAY = {"days_of_month": ["-1"]}
LAST_THREE = {"days_of_month": ["-3:-1"], "months": ["february"]}
MIDDLE = {"days_of_month": ["10:-10"]}
FROM_30TH = {"days_of_month": ["30:31"]}
SUMMER = {"months": ["june:8"], "years": ["2026:2027", "2030"]}
INDIA = {"times": [{"start_time": "00:00", "end_time": "00:30"}], "location": "Asia/Kolkata"}
TWO_TIMES = {"times": [{"start_time": "06:00", "end_time": "07:00"}, {"start_time": "18:00", "end_time": "19:30"}]}
ANY: dict[str, Any] = {}

TABLE: list[tuple[dict[str, Any], str, bool]] = [
    (NIGHTS, "2026-04-21T00:30:00Z", True),
    (NIGHTS, "2026-04-20T22:59:59.999999Z", False),
    (NIGHTS, "2026-04-20T23:00:00Z", True),
    (NIGHTS, "2026-04-21T01:59:59.999999Z", True),
    (NIGHTS, "2026-04-21T02:00:00Z", False),
    (NIGHTS, "2026-04-22T00:30:00Z", False),
    (NIGHTS, "2026-04-23T00:30:00Z", True),
    # In winter the same wall clock is an hour later in UTC.
    (NIGHTS, "2026-01-13T00:00:00Z", True),
    (NIGHTS, "2026-01-12T23:30:00Z", False),
    (NIGHTS, "2026-01-13T02:59:00Z", True),
    (NIGHTS, "2026-01-13T03:00:00Z", False),
    # The hour that the clock repeats is open twice.
    (SUNDAY_NIGHT, "2026-10-24T23:59:00Z", False),
    (SUNDAY_NIGHT, "2026-10-25T00:00:00Z", True),
    (SUNDAY_NIGHT, "2026-10-25T00:30:00Z", True),
    (SUNDAY_NIGHT, "2026-10-25T01:30:00Z", True),
    (SUNDAY_NIGHT, "2026-10-25T01:59:00Z", True),
    (SUNDAY_NIGHT, "2026-10-25T02:00:00Z", False),
    # The hour that the clock leaves out never opens.
    (SUNDAY_NIGHT, "2026-03-29T00:59:59Z", False),
    (SUNDAY_NIGHT, "2026-03-29T01:00:00Z", False),
    (SUNDAY_NIGHT, "2026-03-29T01:30:00Z", False),
    (SUNDAY_NIGHT, "2026-03-22T01:30:00Z", True),
    (OFFICE, "2026-11-23T09:00:00Z", True),
    (OFFICE, "2026-11-23T08:59:59Z", False),
    (OFFICE, "2026-11-23T16:59:59Z", True),
    (OFFICE, "2026-11-23T17:00:00Z", False),
    (OFFICE, "2026-11-27T12:00:00Z", True),
    (OFFICE, "2026-11-28T12:00:00Z", False),
    (OFFICE, "2026-11-29T12:00:00Z", False),
    (LATE, "2026-11-24T02:59:59Z", False),
    (LATE, "2026-11-24T03:00:00Z", True),
    (LATE, "2026-11-24T04:59:59.999999Z", True),
    (LATE, "2026-11-24T05:00:00Z", False),
    (LATE, "2026-07-24T02:00:00Z", True),
    (LATE, "2026-07-24T04:00:00Z", False),
    (LAST_DAY, "2026-02-28T00:00:00Z", True),
    (LAST_DAY, "2026-02-27T23:59:59Z", False),
    (LAST_DAY, "2028-02-28T12:00:00Z", False),
    (LAST_DAY, "2028-02-29T12:00:00Z", True),
    (LAST_DAY, "2026-12-31T23:59:59.999999Z", True),
    (LAST_DAY, "2027-01-01T00:00:00Z", False),
    (LAST_DAY, "2026-04-30T10:00:00Z", True),
    (LAST_THREE, "2026-02-25T23:59:59Z", False),
    (LAST_THREE, "2026-02-26T00:00:00Z", True),
    (LAST_THREE, "2026-02-28T23:59:59Z", True),
    (LAST_THREE, "2026-03-01T00:00:00Z", False),
    (LAST_THREE, "2026-03-31T00:00:00Z", False),
    (MIDDLE, "2026-04-09T12:00:00Z", False),
    (MIDDLE, "2026-04-10T00:00:00Z", True),
    (MIDDLE, "2026-04-21T12:00:00Z", True),
    (MIDDLE, "2026-04-22T12:00:00Z", False),
    (MIDDLE, "2026-05-22T12:00:00Z", True),
    (FROM_30TH, "2026-04-30T12:00:00Z", True),
    (FROM_30TH, "2026-05-31T12:00:00Z", True),
    (FROM_30TH, "2026-02-28T12:00:00Z", False),
    (FROM_30TH, "2026-04-29T12:00:00Z", False),
    (SUMMER, "2026-05-31T23:59:59Z", False),
    (SUMMER, "2026-06-01T00:00:00Z", True),
    (SUMMER, "2027-08-31T23:59:59Z", True),
    (SUMMER, "2027-09-01T00:00:00Z", False),
    (SUMMER, "2028-07-01T00:00:00Z", False),
    (SUMMER, "2030-07-01T00:00:00Z", True),
    (INDIA, "2026-11-23T18:29:59Z", False),
    (INDIA, "2026-11-23T18:30:00Z", True),
    (INDIA, "2026-11-23T19:00:00Z", False),
    (TWO_TIMES, "2026-11-23T06:30:00Z", True),
    (TWO_TIMES, "2026-11-23T12:00:00Z", False),
    (TWO_TIMES, "2026-11-23T19:29:59Z", True),
    (TWO_TIMES, "2026-11-23T19:30:00Z", False),
    (ANY, "1969-12-31T23:59:59Z", True),
    (ANY, "2999-01-01T00:00:00Z", True),
]


def micros(text: str) -> Micros:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(("raw", "moment", "inside"), TABLE, ids=lambda value: str(value)[:80])
def test_a_moment_is_inside_or_not(raw: dict[str, Any], moment: str, *, inside: bool) -> None:
    assert read_interval(raw, "interval").contains(micros(moment)) is inside
    assert second_reading(raw, micros(moment)) is inside


WEEK = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
YEAR = [name.lower() for name in calendar.month_name]


def second_reading(raw: dict[str, Any], moment: Micros) -> bool:
    """The documented rules once more, by listing every allowed value instead of comparing ranges."""
    local = datetime.fromtimestamp(moment // MINUTE * 60, UTC).astimezone(ZoneInfo(raw.get("location", "UTC")))
    clock = f"{local:%H:%M}"
    if "times" in raw and not any(one["start_time"] <= clock < one["end_time"] for one in raw["times"]):
        return False
    if "weekdays" in raw and f"{local:%A}".lower() not in listed(raw["weekdays"], WEEK.index, WEEK):
        return False
    if "months" in raw and local.month not in listed(raw["months"], month_number, list(range(13))):
        return False
    if "years" in raw and local.year not in listed(raw["years"], int, list(range(3000))):
        return False
    return "days_of_month" not in raw or local.day in allowed_days(raw["days_of_month"], local.year, local.month)


def month_number(text: str) -> int:
    return int(text) if text.isdigit() else YEAR.index(text)


def listed(ranges: list[str], number: Any, values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for one in ranges:
        ends = [number(end) for end in one.split(":")]
        found += values[ends[0] : ends[-1] + 1]
    return found


def allowed_days(ranges: list[str], year: int, month: int) -> set[int]:
    days = [day for day in calendar.Calendar().itermonthdays(year, month) if day]
    found: set[int] = set()
    for one in ranges:
        ends = [int(end) for end in one.split(":")]
        first, last = (end if end > 0 else len(days) + 1 + end for end in (ends[0], ends[-1]))
        found.update(day for day in days if first <= day <= last)
    return found


CLOCKS = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}") | st.just("24:00")
TIMES = (
    st.tuples(CLOCKS, CLOCKS)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: {"start_time": min(pair), "end_time": max(pair)})
)


def ranges_of(low: int, high: int) -> st.SearchStrategy[list[str]]:
    ends = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    return st.lists(ends.map(lambda pair: f"{pair[0]}:{pair[1]}"), min_size=1, max_size=3)


DAYS = st.one_of(
    ranges_of(1, 31), ranges_of(-31, -1), st.lists(st.sampled_from(["1:-1", "15:-2", "31:-31", "-1", "29"]), min_size=1)
)
WEEKDAYS = ranges_of(0, 6).map(
    lambda ranges: [":".join(WEEK[int(end)] for end in one.split(":")) for one in ranges],
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "times": st.lists(TIMES, min_size=1, max_size=3),
        "weekdays": WEEKDAYS,
        "days_of_month": DAYS,
        "months": ranges_of(1, 12),
        "years": ranges_of(2024, 2030),
        "location": st.sampled_from(
            ["UTC", "Europe/Stockholm", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
        ),
    },
)


@given(raw=SPECS, moment=st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31)))  # noqa: DTZ001 - made UTC below
def test_any_interval_agrees_with_the_second_reading(raw: dict[str, Any], moment: datetime) -> None:
    at = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read_interval(raw, "interval").contains(at) is second_reading(raw, at)


@settings(max_examples=40)
@given(raw=SPECS, day=st.dates(date(2024, 1, 1), date(2030, 12, 31)))
@example({"times": [{"start_time": "01:30", "end_time": "02:30"}], "location": "Europe/Stockholm"}, date(2026, 3, 28))
@example({"times": [{"start_time": "02:30", "end_time": "24:00"}], "location": "Europe/Stockholm"}, date(2026, 10, 24))
@example({"weekdays": ["sunday"], "location": "Australia/Lord_Howe"}, date(2026, 4, 4))
@example({"weekdays": ["sunday"], "location": "America/St_Johns"}, date(2010, 11, 6))
@example({"weekdays": ["saturday"], "location": "America/St_Johns"}, date(2010, 11, 6))
@example({"weekdays": ["thursday"], "location": "Antarctica/Casey"}, date(2010, 3, 4))
@example({"days_of_month": [15], "location": "America/Sao_Paulo"}, date(2017, 10, 14))
@example({"weekdays": ["sunday"], "location": "Atlantic/Azores"}, date(2026, 10, 24))
@example({"days_of_month": [30], "location": "Pacific/Apia"}, date(2011, 12, 29))
@example({"days_of_month": [31], "location": "Pacific/Apia"}, date(2011, 12, 29))
def test_its_stretches_are_the_minutes_that_it_contains(raw: dict[str, Any], day: date) -> None:
    interval, since = read_interval(raw, "interval"), (day - date(1970, 1, 1)) // timedelta(days=1) * DAY
    until = since + 2 * DAY
    told = {minute for start, end in interval.stretches(since, until) for minute in range(start, end, MINUTE)}
    assert told == {minute for minute in range(since, until, MINUTE) if interval.contains(minute)}


@pytest.mark.parametrize(
    ("raw", "place", "hint"),
    [
        ("monday", "interval", "object"),
        ({"day": ["monday"]}, "interval.day", "no such field"),
        ({"times": [{"start_time": "22:00", "end_time": "04:00"}]}, "interval.times.0", "24:00"),
        ({"times": [{"start_time": "22:00", "end_time": "22:00"}]}, "interval.times.0", "after the start"),
        ({"times": [{"start_time": "22:00"}]}, "interval.times.0", "end_time"),
        ({"times": [{"start_time": "9:00", "end_time": "10:00"}]}, "interval.times.0.start_time", "HH:MM"),
        ({"times": [{"start_time": "09:00", "end_time": "24:01"}]}, "interval.times.0.end_time", "HH:MM"),
        ({"times": {"start_time": "09:00"}}, "interval.times", "list"),
        ({"weekdays": ["funday"]}, "interval.weekdays.0", "English"),
        ({"weekdays": ["friday:monday"]}, "interval.weekdays.0", "split"),
        ({"days_of_month": ["0"]}, "interval.days_of_month.0", "1 to 31"),
        ({"days_of_month": ["32"]}, "interval.days_of_month.0", "1 to 31"),
        ({"days_of_month": ["-5:3"]}, "interval.days_of_month.0", "end of the month"),
        ({"days_of_month": ["9:3"]}, "interval.days_of_month.0", "split"),
        ({"months": ["13"]}, "interval.months.0", "1 to 12"),
        ({"months": ["juno"]}, "interval.months.0", "English"),
        ({"years": ["soon"]}, "interval.years.0", "number"),
        ({"years": [True]}, "interval.years.0", "number"),
        ({"location": "Mars/Olympus"}, "interval.location", "IANA"),
        ({"location": "../etc/passwd"}, "interval.location", "IANA"),
        ({"weekdays": ["monday"] * 51}, "interval.weekdays", "50"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_interval_is_refused_with_its_place(raw: Any, place: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=hint) as caught:
        read_interval(raw, "interval")
    assert caught.value.field == place


def test_local_means_the_zone_of_the_organization() -> None:
    interval = read_interval({"location": "Local"}, "interval", local_zone="Europe/Stockholm")
    assert interval.zone_name == "Europe/Stockholm"


def test_a_stretch_that_ends_within_a_minute_of_a_changed_clock_ends_there() -> None:
    spring = micros("2026-03-29T00:59:00Z")
    interval = read_interval({"location": "Europe/Stockholm"}, "x")
    assert list(interval.stretches(spring, spring + MINUTE + MINUTE // 2))[-1][1] == spring + MINUTE + MINUTE // 2
