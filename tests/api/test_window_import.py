"""Change windows from files: an Alertmanager configuration and a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.routing import window_import
from tests.api.conftest import Caller

WINDOWS = "/v1/organizations/acme/change-windows"
ALERTMANAGER = """
route:
  receiver: team
time_intervals:
  - name: eu-network-nights
    time_intervals:
      - weekdays: ['tuesday', 'thursday']
        times:
          - start_time: 01:00
            end_time: 04:00
        location: Europe/Stockholm
  - name: month-end
    time_intervals:
      - days_of_month: ['-1']
        years: [2026:2030]
mute_time_intervals:
  - name: weekends
    time_intervals: [{weekdays: [saturday, sunday]}]
"""


def calendar(*lines: str) -> str:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]
    )


def take(caller: Caller, text: str, format_: str = "icalendar", **more: Any) -> Any:
    return caller("POST", f"{WINDOWS}/import", json={"format": format_, "text": text, **more})


def test_an_alertmanager_file_becomes_windows_and_a_second_time_replaces_them(platform: Caller) -> None:
    first = take(platform, ALERTMANAGER, "alertmanager")
    assert first.status_code == 201, first.json
    assert [one["name"] for one in first.json["items"]] == ["eu-network-nights", "month-end", "weekends"]
    assert first.json["items"][0]["time_intervals"][0]["times"] == [{"start_time": "01:00", "end_time": "04:00"}]
    assert first.json["replaced"] == 0
    again = take(platform, ALERTMANAGER, "alertmanager", kind="freeze").json
    assert again["replaced"] == 3
    assert {one["kind"] for one in platform("GET", WINDOWS).json["items"]} == {"freeze"}
    judged = platform("POST", f"{WINDOWS}/test", json={"time": "2026-04-21T00:30:00Z"}).json
    assert judged["change_windows"] == [{"name": "eu-network-nights", "kind": "freeze"}]


def test_an_event_of_a_calendar_is_a_window_that_happens_once(platform: Caller) -> None:
    text = calendar("UID:1", "SUMMARY:CHG0031337", "DTSTART;TZID=Europe/Stockholm:20261123T200000", "DURATION:PT3H")
    (made,) = take(platform, text).json["items"]
    assert (made["name"], made["starts_at"], made["ends_at"]) == (
        "CHG0031337",
        "2026-11-23T19:00:00+00:00",
        "2026-11-23T22:00:00+00:00",
    )


def test_a_recurring_event_is_its_next_occurrences_without_those_left_out(platform: Caller) -> None:
    begin = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=70)
    skipped = begin + timedelta(days=77)
    text = calendar(
        "UID:1",
        "SUMMARY:Nights",
        f"DTSTART:{begin:%Y%m%dT%H%M%SZ}",
        f"DTEND:{begin + timedelta(hours=2):%Y%m%dT%H%M%SZ}",
        "RRULE:FREQ=WEEKLY",
        f"EXDATE:{skipped:%Y%m%dT%H%M%SZ}",
    )
    names = [one["name"] for one in take(platform, text).json["items"]]
    assert 11 <= len(names) <= 13
    assert f"Nights {begin + timedelta(days=84):%Y-%m-%d} 01:00" in names
    assert f"Nights {skipped:%Y-%m-%d} 01:00" not in names


@pytest.mark.parametrize(
    ("format_", "text", "field"),
    [
        ("alertmanager", "a: [", "text"),
        ("alertmanager", "- 1", "text"),
        ("alertmanager", "time_intervals: []", "text"),
        ("alertmanager", "time_intervals: 3", "text.time_intervals"),
        ("alertmanager", "time_intervals: [{time_intervals: []}]", "text.time_intervals.0.name"),
        ("alertmanager", "a: &a [x]\ntime_intervals: *a", "text"),
        (
            "alertmanager",
            "time_intervals: [{name: n, time_intervals: [{months: [never]}]}]",
            "time_intervals.0.months.0",
        ),
        ("icalendar", "hello", "text"),
        ("icalendar", calendar("UID:1", "DTSTART:20261123T200000Z"), "text.events.0.dtend"),
        ("icalendar", calendar("UID:1", "DURATION:PT3H"), "text.events.0.dtstart"),
        (
            "icalendar",
            calendar("UID:1", "DTSTART:20261123T200000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"),
            "text.events.0.rrule",
        ),
        ("icalendar", calendar("UID:1", "DTSTART:20261123T200000Z", "DTEND:20261123T190000Z"), "ends_at"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_file_with_an_error_changes_nothing(platform: Caller, format_: str, text: str, field: str) -> None:
    answer = take(platform, text, format_)
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["field"] == field
    assert platform("GET", WINDOWS).json["items"] == []


def test_two_windows_of_one_name_or_too_many_leave_everything_as_it_was(
    platform: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    interval = "time_intervals: [{weekdays: [monday]}]"
    twice = f"time_intervals: [{{name: a, {interval}}}, {{name: b, {interval}}}, {{name: a, {interval}}}]"
    answer = take(platform, twice, "alertmanager")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "text")
    assert platform("GET", WINDOWS).json["items"] == []
    monkeypatch.setattr(window_import, "MAX_ROWS", 2)
    assert take(platform, ALERTMANAGER, "alertmanager").status_code == 409
    assert platform("GET", WINDOWS).json["items"] == []


def test_a_preview_shows_openings_and_every_refusal_and_stores_nothing(platform: Caller) -> None:
    interval = "time_intervals: [{weekdays: [monday]}]"
    text = f"time_intervals: [{{name: a, {interval}}}, {{name: b}}, 3, {{name: a, {interval}}}]"
    shown = platform("POST", f"{WINDOWS}/import/preview", json={"format": "alertmanager", "text": text}).json
    assert [(one["name"], one["replaces"], len(one["openings"])) for one in shown["windows"]] == [("a", False, 5)]
    assert [one["place"] for one in shown["refused"]] == [f"text.time_intervals.{number}" for number in (1, 2, 3)]
    assert platform("GET", WINDOWS).json["items"] == []
