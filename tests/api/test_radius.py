"""RADIUS records through the front door: counted once, seen per context and group, owed to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.radius import ACCOUNTING, AUTHENTICATION
from tests.api.conftest import Caller

PLACE = "/v1/organizations/acme/contexts/c1"


def outcome(number: int, result: str = "Access-Accept", **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "type": "entrypoint.radius.authentication",
        "organization_id": "acme",
        "context": {"id": "c1"},
        "occurred_at": f"2026-04-19T12:00:{number:02d}Z",
        "result": result,
        "method": "EAP-TLS",
        "mac": "00:1a:2b:3c:4d:5e",
        "groupId": "grp_staff",
        **more,
    }


def test_records_are_counted_once_and_devices_kept_per_group(platform: Caller) -> None:
    told = [
        outcome(1),
        outcome(2, "Access-Reject", method="EAP-PEAP", username="kim"),
        outcome(3, mac="00:1a:2b:3c:4d:5f"),
        outcome(4, type="entrypoint.radius.accounting", status="Stop", inputOctets=10, outputOctets=20),
        outcome(5, type="entrypoint.radius.accounting", status="Start"),
        outcome(6, groupId="grp_guests"),
    ]
    assert platform("POST", "/v1/events", json=told).json["accepted"] == 6
    assert platform("POST", "/v1/events", json=told[:3]).json["duplicates"] == 3
    assert platform("GET", f"{PLACE}/radius").json == {
        "context_id": "c1",
        "methods": [
            {"method": "eap-peap", "accepted": 0, "rejected": 1},
            {"method": "eap-tls", "accepted": 3, "rejected": 0},
        ],
        "accepted": 3,
        "rejected": 1,
        "sessions": 1,
        "octets_in": 10,
        "octets_out": 20,
        "last_seen": "2026-04-19T12:00:06.000Z",
    }
    groups = platform("GET", f"{PLACE}/groups").json["items"]
    assert [(one["group_id"], one["devices"]) for one in groups] == [("grp_guests", 1), ("grp_staff", 2)]
    devices = platform("GET", f"{PLACE}/devices?group=grp_staff").json["items"]
    assert [(one["device"], one["accepted"], one["rejected"], one["user"]) for one in devices] == [
        ("00:1a:2b:3c:4d:5e", 1, 1, "kim"),
        ("00:1a:2b:3c:4d:5f", 1, 0, None),
    ]


def test_devices_come_in_pages(platform: Caller) -> None:
    platform("POST", "/v1/events", json=[outcome(number, mac=f"00000000000{number}") for number in range(5)])
    first = platform("GET", f"{PLACE}/devices?group=grp_staff&limit=3").json
    second = platform("GET", f"{PLACE}/devices?group=grp_staff&limit=3&cursor={first['next']}").json
    assert [len(first["items"]), len(second["items"]), second["next"]] == [3, 2, None]


def test_groups_come_in_pages_and_the_first_is_that_of_no_group(platform: Caller) -> None:
    told = [outcome(number, groupId=group) for number, group in enumerate(["", "", "grp_a", "grp_b"])]
    platform("POST", "/v1/events", json=told)
    found, cursor = [], ""
    while cursor is not None:
        answer = platform("GET", f"{PLACE}/groups?limit=1&cursor={cursor}").json
        found += [one["group_id"] for one in answer["items"]]
        cursor = answer["next"]
    assert found == ["", "grp_a", "grp_b"]


def test_a_record_is_accepted_for_good_and_listed_only_when_asked_for(platform: Caller) -> None:
    window = {"name": "Nights", "time_intervals": [{"times": [{"start_time": "01:00", "end_time": "04:00"}]}]}
    rule = {"name": "All of it", "pattern": {"context": {"id": ["c1"]}}, "sensitivity": 5, "tags": ["hq"]}
    assert platform("POST", "/v1/organizations/acme/change-windows", json=window).status_code == 201
    assert platform("POST", "/v1/organizations/acme/sensitivity-rules", json=rule).status_code == 201
    change = {"id": "change", "type": "entrypoint.configuration.audit", "context": {"id": "c1"}}
    told = [outcome(1), outcome(2, type=ACCOUNTING), {"organization_id": "acme"} | change]
    sent = platform("POST", "/v1/events", json=told)
    assert (sent.status_code, sent.json["accepted"]) == (200, 3)

    shown = platform("GET", "/v1/events/r1").json
    assert shown["description"] == "RADIUS authentication accepted for 00:1a:2b:3c:4d:5e"
    assert (shown["sensitivity"], shown["outside_change_window"]) == (None, None)
    assert (shown["change_windows"], shown["tags"]) == ([], [])

    def listed(query: str = "") -> list[str]:
        return [one["id"] for one in platform("GET", f"/v1/events?organization=acme{query}").json["items"]]

    assert "change" in listed()
    assert not {"r1", "r2"} & set(listed() + listed("&sensitivity_min=1") + listed("&since=2020-01-01T00:00:00Z"))
    assert listed(f"&event_type={AUTHENTICATION}") == ["r1"]
    assert listed(f"&event_type={ACCOUNTING}&context=c1") == ["r2"]
    assert listed(f"&event_type={AUTHENTICATION}&sensitivity_min=1") == []
    trial = {"organization_id": "acme", "context_id": "c1", "filter": {"context": {"id": ["c1"]}}}
    tried = platform("POST", "/v1/filters/test", json=trial).json
    assert (tried["tried"], [one["id"] for one in tried["samples"]]) == (1, ["change"])


def test_nobody_is_owed_a_record_and_nobody_can_subscribe_to_them(platform: Caller) -> None:
    body = {"type": "instant", "name": "Everything", "organization_id": "acme"}
    made = platform("POST", "/v1/webhooks", json=body).json["id"]
    platform("PATCH", f"/v1/webhooks/{made}", json={"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/"})
    platform("POST", "/v1/events", json=outcome(1))
    assert platform("GET", f"/v1/webhooks/{made}/deliveries").json["items"] == []
    refused = platform("PATCH", f"/v1/webhooks/{made}", json={"event_types": ["entrypoint.radius.accounting"]})
    assert refused.status_code == 422
    assert "counters" in refused.json["detail"]


def test_a_context_without_records_has_zeroes_and_a_foreign_one_is_not_there(
    platform: Caller, caller: Callable[..., Caller]
) -> None:
    assert platform("GET", f"{PLACE}/radius").json["last_seen"] is None
    assert caller("read", "other")("GET", f"{PLACE}/radius").status_code == 404
    assert caller("read", "acme", "c2")("GET", f"{PLACE}/radius").status_code == 404
    assert platform("GET", "/v1/organizations/acme/contexts/nowhere/radius").status_code == 404
