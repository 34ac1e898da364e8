"""What is written of change windows is read back to the same windows, whatever they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.clock import DAY, HOUR, MINUTE, Micros
from app.core.errors import InvalidInputError
from app.core.windows.openings import next_openings
from app.core.windows.window import ChangeWindow
from app.core.windows.window_input import read_window
from app.routing.alertmanager_file import alertmanager_entries
from app.routing.alertmanager_text import alertmanager_text
from app.routing.calendar_file import calendar_entries
from app.routing.calendar_text import MOST_EVENTS, calendar_text
from app.routing.change_windows import ChangeWindowInput

NOW: Micros = int(datetime(2026, 11, 24, 12, 30, tzinfo=UTC).timestamp()) * 1_000_000
ZONES = ("UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
HOSTILE = (
    "Nights, with a comma",
    "semi;colon \\ backslash \"quote\" 'apostrophe'",
    "two\nlines\r\nand: - three",
    "# no comment",
    "\u202ethgin eht\u202c, right to left: שבת",
    "BEGIN:VEVENT\r\nSUMMARY:forged\r\nEND:VEVENT",
    "{{template}} ${x} %{y} &a *a !!python/object",
    "null",
    "01:00",
    "é" * 125,
    "emoji 👩‍💻 \x85 \u2028 \ufeff nbsp\xa0end",
)


def clock_time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def ranges(low: int, high: int) -> st.SearchStrategy[list[Any]]:
    pair = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    return st.lists(pair.map(lambda ends: f"{ends[0]}:{ends[1]}") | st.integers(low, high), min_size=1, max_size=3)


TIMES = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])
FROM_BOTH_ENDS = st.tuples(st.integers(1, 31), st.integers(-31, -1)).map(lambda pair: [f"{pair[0]}:{pair[1]}"])
INTERVALS = st.fixed_dictionaries(
    {},
    optional={
        "times": st.lists(
            TIMES.map(lambda pair: {"start_time": clock_time(pair[0]), "end_time": clock_time(pair[1])}), max_size=3
        ),
        "weekdays": st.lists(st.sampled_from([*DAYS, "monday:friday"]), max_size=3),
        "days_of_month": ranges(1, 31) | ranges(-31, -1) | FROM_BOTH_ENDS,
        "months": ranges(1, 12) | st.just(["march", "june:August"]),
        "years": ranges(2024, 2029),
        "location": st.sampled_from([*ZONES, "Local"]) | st.none(),
    },
)
WHEN = st.fixed_dictionaries({"time_intervals": st.lists(INTERVALS, min_size=1, max_size=3)}) | st.tuples(
    st.integers(-40, 80), st.integers(1, 5_000)
).map(lambda pair: {"starts_at": moment(pair[0] * DAY), "ends_at": moment(pair[0] * DAY + pair[1] * MINUTE)})
NAMES = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40
).filter(lambda text: text.strip() == text != "")
OWN = {"kind": st.sampled_from(["allow", "freeze"]), "grace_minutes": st.integers(0, 240)}
SCOPE = {"contexts": st.lists(NAMES, min_size=1, max_size=3), "tags": st.just(["pki"]), "actors": st.just(["A@b.se"])}


def moment(after: Micros) -> str:
    return (datetime.fromtimestamp((NOW + after) // 1_000_000, UTC)).isoformat()


@st.composite
def stored_windows(draw: st.DrawFn, *, scope: bool) -> list[dict[str, Any]]:
    """Windows as they are stored, each of another name."""
    found = []
    for number, name in enumerate(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))):
        more = draw(st.fixed_dictionaries(OWN, optional=SCOPE if scope else {}))
        given_ = {"name": name, **draw(WHEN), **more}
        try:
            new = ChangeWindowInput.model_validate(given_)
            read_window(new.name, new.spec)
        except (ValueError, InvalidInputError):
            assume(False)
        found.append({"id": f"cw_{number}", "name": new.name, **new.spec, "created_at": "", "updated_at": ""})
    assume(len({one["name"] for one in found}) == len(found))
    return found


def read(found: dict[str, Any] | InvalidInputError, zone: str = "UTC") -> ChangeWindow:
    assert isinstance(found, dict), found
    new = ChangeWindowInput.model_validate({"kind": "allow", **found})
    return read_window(new.name, new.spec, local_zone=zone)


def once_over(windows: list[ChangeWindow], at: Micros) -> bool:
    return any(window.is_open(at) for window in windows)


@settings(max_examples=150, deadline=None)
@given(stored_windows(scope=True), st.sampled_from(ZONES), st.lists(st.integers(0, 400 * DAY), max_size=5))
def test_the_file_is_read_back_to_the_same_windows(
    windows: list[dict[str, Any]], zone: str, moments: list[Micros]
) -> None:
    meant = [read_window(one["name"], one, local_zone=zone) for one in windows]
    again = [read(entry.found, zone) for entry in alertmanager_entries(alertmanager_text(windows, zone))]
    assert again == meant
    for one, other in zip(meant, again, strict=True):
        assert next_openings(one, NOW, 2, 40 * DAY) == next_openings(other, NOW, 2, 40 * DAY)
        assert [one.is_open(NOW + at) for at in moments] == [other.is_open(NOW + at) for at in moments]


@settings(max_examples=150, deadline=None)
@given(stored_windows(scope=False), st.sampled_from(ZONES), st.lists(st.integers(0, 86 * DAY), min_size=5, max_size=30))
def test_the_calendar_of_the_next_days_is_open_when_the_windows_are(
    windows: list[dict[str, Any]], zone: str, moments: list[Micros]
) -> None:
    for stored in windows:
        text = calendar_text([stored], zone, NOW)
        meant = read_window(stored["name"], stored, local_zone=zone)
        entries = list(calendar_entries(text, NOW))
        again = [read(entry.found) for entry in entries]
        assert len({one.name for one in again}) == len(again) or len(stored["name"]) > 100
        assert {(one.kind, one.grace) for one in again} <= {(meant.kind, meant.grace)}
        is_whole = "These windows are not here" not in text.replace("\r\n ", "")
        for at in moments:
            said, is_open = once_over(again, NOW + at), meant.is_open(NOW + at)
            # A stretch that ended before the present day, and whose grace has not, is not told by a rule.
            if is_whole and at > 4 * HOUR:
                assert said == is_open
            assert is_open or not said


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_its_place(name: str) -> None:
    window = {"id": "cw_1", "name": name, "kind": "freeze", "time_intervals": [{"weekdays": ["monday"]}]}
    assert yaml.safe_load(alertmanager_text([window], "UTC"))["time_intervals"][0]["name"] == name
    assert all(one.isprintable() for one in alertmanager_text([window], "UTC").replace("\n", ""))
    raw = calendar_text([window], "UTC", NOW).encode()
    assert all(len(line) <= 75 and b"\r" not in line and b"\n" not in line for line in raw.split(b"\r\n"))
    (event,) = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert str(event["SUMMARY"]) == name.replace("\r\n", "\n")


def test_a_calendar_has_what_the_standard_asks_for() -> None:
    times = [{"start_time": "22:00", "end_time": "24:00"}]
    interval = {"weekdays": ["friday"], "times": times, "location": "Local", "months": [11, 12]}
    text = calendar_text([{"id": "cw_1", "name": "N", "kind": "allow", "time_intervals": [interval]}], ZONES[1], NOW)
    for line in (
        "VERSION:2.0",
        "PRODID:-//Relaypoint//Change windows//EN",
        "TZID:Europe/Stockholm",
        "DTSTAMP:20261124T123000Z",
        "UID:cw_1-0-0-0@relaypoint",
        "DTSTART;TZID=Europe/Stockholm:20261127T220000",
        "DTEND;TZID=Europe/Stockholm:20261128T000000",
        "RRULE:FREQ=WEEKLY;BYDAY=FR;BYMONTH=11,12",
        "X-RELAYPOINT-KIND:allow",
    ):
        assert f"\r\n{line}\r\n" in text


@pytest.mark.parametrize(
    "interval",
    [
        {"years": ["2026", "2031"]},
        {"days_of_month": ["28:-2"]},
        {"days_of_month": ["29"], "months": ["february"]},
        {"location": "Atlantis/Capital"},
    ],
)
def test_what_a_calendar_cannot_say_is_named_in_it(interval: dict[str, Any]) -> None:
    window = {"id": "cw_1", "name": "The odd one", "kind": "allow", "time_intervals": [interval]}
    text = calendar_text([window], "UTC", NOW).replace("\r\n ", "")
    assert "These windows are not here" in text
    assert text.partition("X-WR-CALDESC")[2].partition("\r\n")[0].endswith("events: The odd one")


def test_a_calendar_has_no_more_events_than_a_calendar_takes() -> None:
    times = [{"start_time": clock_time(minute), "end_time": clock_time(minute + 1)} for minute in range(50)]
    windows = [
        {"id": f"cw_{number}", "name": f"W{number}", "kind": "allow", "time_intervals": [{"times": times}]}
        for number in range(MOST_EVENTS // 50 + 1)
    ]
    text = calendar_text(windows, "UTC", NOW)
    assert text.count("BEGIN:VEVENT") == MOST_EVENTS
    assert "events: W40\r\n" in text.replace("\r\n ", "")


def test_a_window_for_some_is_not_read_from_a_calendar_as_one_for_all() -> None:
    window = {"id": "cw_1", "name": "N", "kind": "allow", "tags": ["pki"], "time_intervals": [{}]}
    (entry,) = calendar_entries(calendar_text([window], "UTC", NOW), NOW)
    assert isinstance(entry.found, InvalidInputError)
    assert "covers only some" in entry.found.detail


def test_an_hour_that_the_clock_leaves_out_refuses_no_calendar() -> None:
    before = NOW + 120 * DAY
    times = [{"start_time": "02:00", "end_time": "03:00"}]
    interval = {"times": times, "location": "Europe/Stockholm"}
    window = {"id": "cw_1", "name": "N", "kind": "allow", "time_intervals": [interval]}
    again = [read(entry.found) for entry in calendar_entries(calendar_text([window], "UTC", before), before)]
    assert len(again) == timedelta(days=90).days
