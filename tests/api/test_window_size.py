"""All change windows of an organization together have a bound, because each event may be held against all of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from app.core.windows import size
from tests.api.conftest import Caller

WINDOWS = "/v1/organizations/acme/change-windows"
MONDAY = {"weekdays": ["monday"]}
ONCE = {"starts_at": "2099-04-20T00:00:00Z", "ends_at": "2099-04-22T00:00:00Z"}


def window(name: str, *intervals: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "time_intervals": list(intervals)}


def stretches(count: int) -> dict[str, Any]:
    times = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(count + 1)]
    return {"times": [{"start_time": one, "end_time": two} for one, two in itertools.pairwise(times)]}


def full(name: str) -> dict[str, Any]:
    """A window that takes all the room there is."""
    return window(name, *[stretches(40)] * 50)


def test_what_goes_over_the_bound_is_refused_at_its_field_and_changes_nothing(platform: Caller) -> None:
    assert platform("POST", WINDOWS, json=full("Full")).status_code == 201
    for more in ({}, MONDAY):
        answer = platform("POST", WINDOWS, json=window("More", more))
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "time_intervals")
        assert "2,001" in answer.json["errors"][0]["detail"]
        assert "2,000" in answer.json["errors"][0]["detail"]
    assert [one["name"] for one in platform("GET", WINDOWS).json["items"]] == ["Full"]
    assert platform("POST", WINDOWS, json={"name": "Once", **ONCE}).status_code == 201
    assert platform("POST", "/v1/organizations/other/change-windows", json=full("Theirs")).status_code == 201


def test_a_window_is_replaced_within_the_bound_only(platform: Caller) -> None:
    kept = platform("POST", WINDOWS, json=window("Big", *[stretches(40)] * 49)).json
    small = platform("POST", WINDOWS, json=window("Small", *[stretches(20)] * 2)).json
    assert platform("PUT", f"{WINDOWS}/{small['id']}", json=window("Small", stretches(41))).status_code == 422
    assert platform("GET", f"{WINDOWS}/{small['id']}").json == small
    assert platform("PUT", f"{WINDOWS}/{small['id']}", json=window("Tiny", MONDAY)).status_code == 200
    assert (
        platform("PUT", f"{WINDOWS}/{kept['id']}", json=window("Big", *[stretches(40)] * 49, MONDAY)).status_code == 200
    )


def test_windows_from_before_the_bound_stay_and_can_be_made_smaller(
    platform: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = platform("POST", WINDOWS, json=window("Old", stretches(40))).json
    monkeypatch.setattr(size, "MAX_RANGES_OF_ALL", 10)
    one = f"{WINDOWS}/{old['id']}"
    assert platform("PUT", one, json=window("Old", stretches(41))).status_code == 422
    assert platform("PUT", one, json=window("Renamed", stretches(40))).status_code == 200
    assert platform("PUT", one, json=window("Renamed", stretches(30))).status_code == 200
    assert platform("POST", WINDOWS, json=window("New", MONDAY)).status_code == 422
    assert platform("POST", f"{WINDOWS}/test", json={"time": "2026-04-21T00:10:00Z"}).json["change_windows"]


def test_an_import_names_the_window_that_goes_over_and_stores_none(platform: Caller) -> None:
    assert platform("POST", WINDOWS, json=window("Big", *[stretches(40)] * 49)).status_code == 201
    ranges = "[" + ", ".join(["monday"] * 39) + "]"
    text = "time_intervals: [" + ", ".join(
        f"{{name: {name}, time_intervals: [{{weekdays: {ranges}}}]}}" for name in ("first", "second", "third")
    )
    body = {"format": "alertmanager", "text": f"{text}]"}
    shown = platform("POST", f"{WINDOWS}/import/preview", json=body).json
    assert [one["name"] for one in shown["windows"]] == ["first"]
    assert [one["place"] for one in shown["refused"]] == ["text.time_intervals.1", "text.time_intervals.2"]
    assert "2,038" in shown["refused"][0]["detail"]
    answer = platform("POST", f"{WINDOWS}/import", json=body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "text.time_intervals.1")
    assert len(platform("GET", WINDOWS).json["items"]) == 1


def test_an_import_in_place_of_what_is_stored_needs_no_room_of_its_own(platform: Caller) -> None:
    assert platform("POST", WINDOWS, json=full("Full")).status_code == 201
    written = platform("GET", f"{WINDOWS}/export").json
    shown = platform("POST", f"{WINDOWS}/import/preview", json=written).json
    assert (len(shown["windows"]), shown["refused"]) == (1, [])
    assert platform("POST", f"{WINDOWS}/import", json=written).status_code == 201
