"""An export of change windows over HTTP is what an import takes."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Caller

WINDOWS = "/v1/organizations/acme/change-windows"
NIGHTS: dict[str, Any] = {
    "name": "Nights, \u202eall\nof; them",
    "kind": "freeze",
    "time_intervals": [
        {
            "weekdays": ["monday:friday"],
            "times": [{"start_time": "22:00", "end_time": "24:00"}],
            "months": ["november", "12"],
            "location": "Local",
        }
    ],
    "grace_minutes": 30,
    "contexts": ["c1"],
    "actors": ["Night.Shift@example.com"],
}
ONCE = {"name": "Easter", "starts_at": "2099-04-20T00:00:00Z", "ends_at": "2099-04-22T00:00:00Z"}


def without_ids(caller: Caller, organization: str) -> list[dict[str, Any]]:
    found = caller("GET", f"/v1/organizations/{organization}/change-windows").json["items"]
    told = [{name: one[name] for name in one.keys() - {"id", "created_at", "updated_at"}} for one in found]
    return sorted(told, key=lambda one: str(one["name"]))


def test_an_export_is_imported_as_it_is_into_the_same_and_another_organization(platform: Caller) -> None:
    for window in (NIGHTS, ONCE):
        assert platform("POST", WINDOWS, json=window).status_code == 201
    before = without_ids(platform, "acme")
    written = platform("GET", f"{WINDOWS}/export").json
    assert written["format"] == "alertmanager"
    shown = platform("POST", f"{WINDOWS}/import/preview", json=written).json
    assert (len(shown["windows"]), shown["refused"]) == (2, [])
    assert {(one["kind"], one["replaces"]) for one in shown["windows"]} == {("freeze", True), ("allow", True)}
    stored = platform("GET", WINDOWS).json["items"]
    for one in shown["windows"]:
        number = next(row["id"] for row in stored if row["name"] == one["name"])
        assert one["openings"] == platform("GET", f"{WINDOWS}/{number}/openings").json["openings"]
    assert platform("POST", f"{WINDOWS}/import", json=written).json["replaced"] == 2
    assert without_ids(platform, "acme") == before
    assert platform("POST", "/v1/organizations/other/change-windows/import", json=written).status_code == 201
    assert without_ids(platform, "other") == before


def test_a_calendar_keeps_freezes_frozen(platform: Caller) -> None:
    freeze = {name: NIGHTS[name] for name in ("name", "kind", "time_intervals", "grace_minutes")}
    assert platform("POST", WINDOWS, json=freeze).status_code == 201
    written = platform("GET", f"{WINDOWS}/export?format=icalendar").json
    assert written["text"].startswith("BEGIN:VCALENDAR\r\n")
    assert platform("POST", "/v1/organizations/other/change-windows/import", json=written).status_code == 201
    assert {(one["kind"], one["grace_minutes"]) for one in without_ids(platform, "other")} == {("freeze", 30)}


def test_no_other_form_is_written(platform: Caller) -> None:
    answer = platform("GET", f"{WINDOWS}/export?format=pdf")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "format")
