"""Change windows at awkward moments, from the window that is saved to what the stored event says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.routing import policies
from tests.api.conftest import Caller

WINDOWS = "/v1/organizations/acme/change-windows"


@pytest.fixture(autouse=True)
def policies_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "STALE_AFTER", 0)


def daily(start: str, end: str) -> dict[str, Any]:
    times = [{"start_time": start, "end_time": end}]
    return {"name": "window", "time_intervals": [{"times": times, "location": "Europe/Stockholm"}]}


def once(start: str, end: str) -> dict[str, Any]:
    return {"name": "window", "starts_at": start, "ends_at": end}


def outside(caller: Caller, moment: str) -> bool:
    event = {"id": "e1", "type": "entrypoint.configuration.audit", "organization_id": "acme", "occurred_at": moment}
    assert caller("POST", "/v1/events", json={**event, "actor": {"email": "a@example.com"}}).json["accepted"] == 1
    answer: bool = caller("GET", "/v1/events/e1").json["outside_change_window"]
    return answer


@pytest.mark.parametrize(
    ("window", "moment", "is_outside"),
    [
        (daily("02:00", "03:00"), "2026-10-25T02:30:00+02:00", False),
        (daily("02:00", "03:00"), "2026-10-25T02:30:00+01:00", False),
        (daily("02:00", "03:00"), "2026-10-25T01:59:59.999999+02:00", True),
        (daily("02:00", "03:00"), "2026-10-25T03:00:00+01:00", True),
        (daily("02:00", "03:00"), "2026-03-29T02:30:00+01:00", True),
        (daily("02:00", "03:00"), "2026-03-29T01:59:59.999999+01:00", True),
        (daily("01:00", "03:00"), "2026-03-29T01:59:59.999999+01:00", False),
        (daily("03:00", "04:00"), "2026-03-29T02:30:00+01:00", False),
        (daily("02:00", "03:00"), "2026-10-25T02:30:00", True),
        (daily("01:00", "04:00"), "2026-04-19T01:00:00+02:00", False),
        (daily("01:00", "04:00"), "2026-04-19T00:59:59.999999+02:00", True),
        (daily("01:00", "04:00"), "2026-04-19T03:59:59.999999+02:00", False),
        (daily("01:00", "04:00"), "2026-04-19T04:00:00+02:00", True),
        (once("2026-04-19T10:00:00Z", "2026-04-19T11:00:00Z"), "2026-04-19T10:00:00Z", False),
        (once("2026-04-19T10:00:00Z", "2026-04-19T11:00:00Z"), "2026-04-19T11:00:00Z", True),
        (once("2026-04-19T10:00:00Z", "2026-04-19T11:00:00Z"), "1970-01-01T00:00:00Z", True),
    ],
    ids=[
        "fold: the first half past two",
        "fold: the second half past two",
        "fold: just before",
        "fold: just after",
        "gap: half past two is half past three",
        "gap: the last instant before is not in the hour that is left out",
        "gap: a window into it is open until it",
        "gap: half past three by the clock",
        "no offset means UTC",
        "the start is inside",
        "the instant before the start is not",
        "the instant before the end is inside",
        "the end is not",
        "a single window's start is inside",
        "a single window's end is not",
        "long before any window",
    ],
)
def test_an_event_at_the_edge_of_a_window_is_in_or_out(
    platform: Caller, window: dict[str, Any], moment: str, *, is_outside: bool
) -> None:
    assert platform("POST", WINDOWS, json=window).status_code == 201
    assert outside(platform, moment) is is_outside


@pytest.mark.parametrize(("opens_in", "is_outside"), [(timedelta(minutes=-10), False), (timedelta(minutes=50), True)])
def test_a_change_said_to_be_an_hour_from_now_is_judged_at_its_receipt(
    platform: Caller, opens_in: timedelta, *, is_outside: bool
) -> None:
    now = datetime.now(UTC)
    opens = now + opens_in
    window = once(opens.isoformat(), (opens + timedelta(minutes=30)).isoformat())
    assert platform("POST", WINDOWS, json=window).status_code == 201
    assert outside(platform, (now + timedelta(hours=1)).isoformat()) is is_outside
