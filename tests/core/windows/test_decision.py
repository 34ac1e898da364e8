"""Windows, freezes, cover and grace: what they say of an event, and when they open next."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import DAY, HOUR, MINUTE, SECOND, Micros
from app.core.moments import parse_moment
from app.core.windows.decision import NO_WINDOW, WindowDecision, decide, judged_at
from app.core.windows.interval_input import read_interval
from app.core.windows.openings import Opening, next_openings
from app.core.windows.window import ChangeWindow, WindowKind


def micros(text: str) -> Micros:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def weekly(name: str = "nights", **more: Any) -> ChangeWindow:
    raw = {
        "weekdays": ["tuesday"],
        "times": [{"start_time": "01:00", "end_time": "04:00"}],
        "location": "Europe/Stockholm",
    }
    return ChangeWindow(name, more.pop("kind", WindowKind.ALLOW), (read_interval(raw, "x"),), **more)


def once(name: str, start: str, end: str, **more: Any) -> ChangeWindow:
    kind = more.pop("kind", WindowKind.ALLOW)
    return ChangeWindow(name, kind, starts_at=micros(start), ends_at=micros(end), **more)


INSIDE = micros("2026-04-21T00:30:00Z")
OUTSIDE = micros("2026-04-21T12:00:00Z")
FREEZE = once("year-end", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z", kind=WindowKind.FREEZE)


def judge(*windows: ChangeWindow, at: Micros = INSIDE, **event: Any) -> WindowDecision:
    facts = {"context_id": "ctx_1", "tags": ("policy",), "actor": "Admin@example.com"} | event
    return decide(windows, at, **facts)


def test_without_a_window_everything_is_outside() -> None:
    assert judge() == NO_WINDOW
    assert judge().outside


def test_an_open_window_allows_and_is_named() -> None:
    assert judge(weekly()) == WindowDecision(outside=False, allowed_by=("nights",))


def test_a_closed_window_says_nothing() -> None:
    assert judge(weekly(), at=OUTSIDE) == NO_WINDOW


def test_a_freeze_wins_over_an_open_window_and_both_are_named() -> None:
    assert judge(weekly(), FREEZE) == WindowDecision(outside=True, allowed_by=("nights",), frozen_by=("year-end",))


def test_a_freeze_alone_is_outside_and_named() -> None:
    assert judge(FREEZE, at=OUTSIDE) == WindowDecision(outside=True, frozen_by=("year-end",))


def test_a_window_covers_only_what_it_names() -> None:
    assert judge(weekly(contexts=frozenset({"ctx_2"}))).outside
    assert judge(weekly(contexts=frozenset({"ctx_1"})), context_id=None).outside
    assert not judge(weekly(contexts=frozenset({"ctx_1"}))).outside
    assert judge(weekly(tags=frozenset({"trusted_ca"}))).outside
    assert not judge(weekly(tags=frozenset({"trusted_ca", "policy"}))).outside
    assert judge(weekly(tags=frozenset({"policy"})), tags=()).outside
    assert not judge(weekly(actors=frozenset({"admin@example.com"}))).outside
    assert judge(weekly(actors=frozenset({"other@example.com"}))).outside
    assert judge(weekly(actors=frozenset({"admin@example.com"})), actor=None).outside


def test_a_freeze_for_one_context_leaves_the_others() -> None:
    local = once("ctx2-freeze", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z", kind=WindowKind.FREEZE)
    narrowed = ChangeWindow(
        local.name, local.kind, starts_at=local.starts_at, ends_at=local.ends_at, contexts=frozenset({"ctx_2"})
    )
    assert not judge(weekly(), narrowed).outside
    assert judge(weekly(), narrowed, context_id="ctx_2").outside


def test_a_single_window_is_half_open() -> None:
    window = once("CHG0031337", "2026-11-23T20:00:00+01:00", "2026-11-23T23:00:00+01:00")
    assert judge(window, at=micros("2026-11-23T18:59:59.999999Z")).outside
    assert not judge(window, at=micros("2026-11-23T19:00:00Z")).outside
    assert not judge(window, at=micros("2026-11-23T21:59:59.999999Z")).outside
    assert judge(window, at=micros("2026-11-23T22:00:00Z")).outside


def test_grace_extends_the_end_and_nothing_else() -> None:
    recurring = weekly(grace=30 * MINUTE)
    assert judge(recurring, at=micros("2026-04-20T22:59:59Z")).outside
    assert not judge(recurring, at=micros("2026-04-21T02:29:59Z")).outside
    assert judge(recurring, at=micros("2026-04-21T02:30:00Z")).outside
    single = once("CHG1", "2026-11-23T20:00:00Z", "2026-11-23T21:00:00Z", grace=10 * MINUTE)
    assert not judge(single, at=micros("2026-11-23T21:09:59Z")).outside
    assert judge(single, at=micros("2026-11-23T21:10:00Z")).outside


def test_the_time_of_the_change_counts_unless_it_is_in_the_future() -> None:
    received = micros("2026-11-23T12:00:00Z")
    assert judged_at(received - DAY, received) == received - DAY
    assert judged_at(received + 5 * MINUTE, received) == received + 5 * MINUTE
    assert judged_at(received + 5 * MINUTE + 1, received) == received


def test_the_next_openings_of_a_weekly_window_follow_its_wall_clock() -> None:
    openings = next_openings(weekly(), micros("2026-10-19T00:00:00Z"), 3)
    assert openings == [
        Opening(micros("2026-10-19T23:00:00Z"), micros("2026-10-20T02:00:00Z")),
        Opening(micros("2026-10-27T00:00:00Z"), micros("2026-10-27T03:00:00Z")),
        Opening(micros("2026-11-03T00:00:00Z"), micros("2026-11-03T03:00:00Z")),
    ]


def test_an_opening_that_runs_now_comes_first_and_includes_its_grace() -> None:
    found = next_openings(weekly(grace=HOUR), micros("2026-04-21T02:30:00Z"), 1)
    assert found == [Opening(micros("2026-04-21T02:30:00Z"), micros("2026-04-21T03:00:00Z"))]
    assert next_openings(weekly(grace=HOUR), micros("2026-04-21T03:00:00Z"), 1) == [
        Opening(micros("2026-04-27T23:00:00Z"), micros("2026-04-28T03:00:00Z"))
    ]


def test_a_window_that_never_opens_has_no_openings() -> None:
    never = ChangeWindow("never", WindowKind.ALLOW, (read_interval({"years": ["1999"]}, "x"),))
    assert next_openings(never, OUTSIDE, 5) == []


def test_a_window_that_is_always_open_has_one_opening_without_end() -> None:
    always = ChangeWindow("always", WindowKind.ALLOW, (read_interval({}, "x"),))
    found = next_openings(always, OUTSIDE, 5)
    assert len(found) == 1
    assert found[0].ends_at is None


def test_the_openings_of_windows_that_open_all_the_time_cost_little() -> None:
    whole_day = {"times": [{"start_time": "00:00", "end_time": "24:00"}]}
    quarters = [range(first, 24 * 60, 30) for first in (0, 15)]
    in_turns = [
        {"times": [{"start_time": clock(one), "end_time": clock(one + 15)} for one in some]} for some in quarters
    ]
    daily = {"times": [{"start_time": "09:00", "end_time": "17:00"}]}
    found, began = [], time.process_time()
    for raw in ([whole_day], in_turns * 20, [daily]):
        intervals = tuple(read_interval(one, "x", local_zone="Europe/Stockholm") for one in raw)
        found.append(next_openings(ChangeWindow("w", WindowKind.ALLOW, intervals), OUTSIDE, 300))
    assert time.process_time() - began < 2
    assert [len(one) for one in found] == [1, 1, 300]
    assert [one[-1].ends_at for one in found[:2]] == [None, None]


def test_fifty_intervals_that_never_fit_cost_little() -> None:
    never = {"months": ["january"], "days_of_month": ["31:-31", "-1"], "weekdays": ["tuesday"]}
    times = [{"start_time": clock(one), "end_time": clock(one + 1)} for one in range(0, 1_440, 29)]
    zones = ("Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata")
    intervals = tuple(read_interval(never | {"times": times, "location": zone}, "x") for zone in zones * 10)
    window = ChangeWindow("w", WindowKind.ALLOW, intervals, grace=240 * MINUTE)
    began = time.process_time()
    next_openings(window, OUTSIDE, 5)
    assert not any(window.is_open(OUTSIDE + minute * MINUTE) for minute in range(20))
    assert time.process_time() - began < 1


def test_a_window_can_be_asked_about_the_last_moment_of_all() -> None:
    last = parse_moment("9999-12-30T00:00:00Z")
    assert last is not None
    assert not ChangeWindow("w", WindowKind.ALLOW, (read_interval({"months": ["june"]}, "x"),)).is_open(last)


def test_a_horizon_ends_the_search_and_what_reaches_it_has_no_end() -> None:
    assert next_openings(weekly(), OUTSIDE, 5, 5 * DAY) == []
    assert next_openings(weekly(), INSIDE, 5, HOUR) == [Opening(INSIDE, None)]


def test_a_single_window_is_its_only_opening_until_it_is_over() -> None:
    window = once("CHG1", "2026-11-23T20:00:00Z", "2026-11-23T21:00:00Z")
    start, end = micros("2026-11-23T20:00:00Z"), micros("2026-11-23T21:00:00Z")
    assert next_openings(window, start - DAY, 5) == [Opening(start, end)]
    assert next_openings(window, end - SECOND, 5) == [Opening(start, end)]
    assert next_openings(window, end, 5) == []


@given(
    start=st.integers(0, 1380),
    length=st.integers(1, 59),
    day=st.sampled_from(["monday", "sunday:tuesday", "saturday"]),
    zone=st.sampled_from(["UTC", "Europe/Stockholm", "Asia/Kathmandu", "America/St_Johns"]),
    after=st.integers(1_760_000_000, 1_790_000_000),
    grace=st.sampled_from([0, 7, 90]),
)
def test_a_window_is_open_within_its_openings_and_closed_at_their_ends(
    start: int, length: int, day: str, zone: str, after: int, grace: int
) -> None:
    raw = {
        "weekdays": [day],
        "times": [{"start_time": clock(start), "end_time": clock(start + length)}],
        "location": zone,
    }
    window = ChangeWindow("w", WindowKind.ALLOW, (read_interval(raw, "x"),), grace=grace * MINUTE)
    for opening in next_openings(window, after * SECOND, 2):
        assert opening.ends_at is not None
        assert opening.ends_at > after * SECOND
        assert window.is_open(opening.starts_at)
        assert window.is_open(opening.ends_at - 1)
        assert opening.starts_at <= after * SECOND or not window.is_open(opening.starts_at - 1)
        assert not window.is_open(opening.ends_at)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
