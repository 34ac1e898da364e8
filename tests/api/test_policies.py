"""Change windows, sensitivity rules and filters, from the call that sets them to what an event becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.routing import policies
from app.services import Services
from app.store.policies import MAX_ROWS
from tests.api.conftest import Caller

WINDOWS = "/v1/organizations/acme/change-windows"
RULES = "/v1/organizations/acme/sensitivity-rules"
NIGHTS = {
    "name": "eu-network-nights",
    "time_intervals": [
        {
            "weekdays": ["tuesday", "thursday"],
            "times": [{"start_time": "01:00", "end_time": "04:00"}],
            "location": "Europe/Stockholm",
        }
    ],
}
FREEZE = {"name": "Easter", "kind": "freeze", "starts_at": "2026-04-20T00:00:00Z", "ends_at": "2026-04-22T00:00:00Z"}
INSIDE = "2026-04-16T00:30:00Z"
OUTSIDE = "2026-04-16T12:00:00Z"
OPENED = [
    {
        "field": "RADIUS Access Restrictions",
        "path": "network_integration.access_restrictions.cidrs",
        "before": ["203.0.113.0/28"],
        "after": ["0.0.0.0/0"],
    }
]


@pytest.fixture(autouse=True)
def policies_count_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "STALE_AFTER", 0)


def event(number: int, at: str = OUTSIDE, **more: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "type": "entrypoint.configuration.audit",
        "organization_id": "acme",
        "context": {"id": "c1"},
        "occurred_at": at,
        "action": "update",
        "actor": {"type": "admin", "email": "Admin@Example.com"},
        "changes": OPENED,
        **more,
    }


def webhook(caller: Caller, name: str, **settings: Any) -> str:
    body = {"type": "instant", "name": name, "organization_id": "acme"}
    made: str = caller("POST", "/v1/webhooks", json=body).json["id"]
    change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/", **settings}
    answer = caller("PATCH", f"/v1/webhooks/{made}", json=change)
    assert answer.status_code == 200, answer.json
    return made


def deliveries(caller: Caller, webhook_id: str) -> dict[str, tuple[str, str | None]]:
    items = caller("GET", f"/v1/webhooks/{webhook_id}/deliveries").json["items"]
    return {one["event_id"]: (one["state"], one.get("reason")) for one in items}


def test_an_event_carries_its_rating_and_what_the_windows_say(platform: Caller) -> None:
    assert platform("POST", WINDOWS, json=NIGHTS).status_code == 201
    assert platform("POST", WINDOWS, json=FREEZE).status_code == 201
    frozen = "2026-04-21T00:30:00Z"
    platform("POST", "/v1/events", json=[event(1, INSIDE), event(2, OUTSIDE), event(3, frozen)])
    first, second, third = (platform("GET", f"/v1/events/e{number}").json for number in (1, 2, 3))
    assert (first["tags"], first["sensitivity"]) == (["ip_allowlist"], 5)
    assert first["sensitivity_rule"] == "network_integration.access_restrictions opened"
    nights, easter = {"name": "eu-network-nights", "kind": "allow"}, {"name": "Easter", "kind": "freeze"}
    assert (first["outside_change_window"], first["change_windows"]) == (False, [nights])
    assert (second["outside_change_window"], second["change_windows"]) == (True, [])
    assert (third["outside_change_window"], third["change_windows"]) == (True, [easter, nights])


def test_the_alert_the_product_is_bought_for(platform: Caller) -> None:
    platform("POST", WINDOWS, json=NIGHTS)
    siem = webhook(platform, "SIEM")
    slack = webhook(
        platform,
        "Ops Slack",
        filter={"tags": ["trusted_ca", "ip_allowlist", "identity_store"]},
        only_outside_change_windows=True,
    )
    harmless = [{"field": "Name", "path": "groups[g].name", "before": "a", "after": "b"}]
    events = [
        event(1, INSIDE),
        event(2, OUTSIDE),
        event(3, OUTSIDE, changes=harmless),
        event(4, OUTSIDE, actor={"type": "system"}),
    ]
    platform("POST", "/v1/events", json=events)
    assert {state for state, _ in deliveries(platform, siem).values()} == {"pending"}
    found = deliveries(platform, slack)
    assert found["e2"][0] == "pending"
    assert found["e1"] == ("skipped", "inside change window eu-network-nights")
    assert found["e3"] == ("skipped", "the filter says no at /tags")
    assert found["e4"] == ("skipped", "the system made this change; change windows are for people")
    ledger = platform("GET", "/v1/ledger").json
    assert ledger["balanced"] is True
    assert {one["name"]: one["skipped"] for one in ledger["webhooks"]} == {"SIEM": 0, "Ops Slack": 3}
    told = platform("GET", "/v1/events/e3/explain").json["webhooks"]
    assert {one["webhook_name"]: one["matched"] for one in told} == {"SIEM": True, "Ops Slack": False}
    assert "the filter says no at /tags" in [one["reason"] for one in told]


def test_a_muted_context_is_out_of_reach(platform: Caller) -> None:
    quiet = webhook(platform, "All but c1", muted_contexts=["c1"])
    platform("POST", "/v1/events", json=[event(1), event(2, context={"id": "c2"})])
    assert list(deliveries(platform, quiet)) == ["e2"]
    told = platform("GET", "/v1/events/e1/explain").json["webhooks"]
    assert told[0]["reason"] == "context c1 is muted for this webhook"


def test_only_a_webhook_of_the_organization_mutes_contexts(platform: Caller) -> None:
    body = {"type": "instant", "name": "Narrow", "organization_id": "acme", "context_id": "c1"}
    narrow = platform("POST", "/v1/webhooks", json=body).json["id"]
    answer = platform("PATCH", f"/v1/webhooks/{narrow}", json={"muted_contexts": ["c1"]})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "muted_contexts"


def test_own_rules_change_the_rating_and_add_tags(platform: Caller) -> None:
    rule = {
        "name": "Changes by contractors",
        "pattern": {"actor": {"email": [{"suffix": "@contractor.example"}]}},
        "sensitivity": 4,
        "tags": ["contractor"],
    }
    later = {
        "name": "Everything",
        "position": 200,
        "pattern": {"action": ["update"]},
        "sensitivity": 1,
        "tags": ["all"],
    }
    assert platform("POST", RULES, json=later).status_code == 201
    assert platform("POST", RULES, json=rule).status_code == 201
    platform("POST", "/v1/events", json=event(1, actor={"type": "admin", "email": "kim@contractor.example"}))
    told = platform("GET", "/v1/events/e1").json
    assert (told["sensitivity"], told["sensitivity_rule"]) == (4, "Changes by contractors")
    assert told["tags"] == ["all", "contractor", "ip_allowlist"]


def test_windows_can_be_read_replaced_and_deleted(platform: Caller) -> None:
    made = platform("POST", WINDOWS, json=NIGHTS).json
    one = f"{WINDOWS}/{made['id']}"
    assert platform("GET", one).json == made
    assert made["time_intervals"] == NIGHTS["time_intervals"]
    moved = platform("PUT", one, json=FREEZE | {"grace_minutes": 5}).json
    assert (moved["name"], moved["kind"], moved["grace_minutes"]) == ("Easter", "freeze", 5)
    assert "time_intervals" not in moved
    assert [one["id"] for one in platform("GET", WINDOWS).json["items"]] == [made["id"]]
    assert platform("DELETE", one).status_code == 204
    for method in ("GET", "DELETE"):
        assert platform(method, one).status_code == 404
    assert platform("PUT", one, json=FREEZE).status_code == 404


def test_a_name_is_taken_only_within_its_organization(platform: Caller) -> None:
    assert platform("POST", WINDOWS, json=NIGHTS).status_code == 201
    assert platform("POST", WINDOWS, json=NIGHTS).status_code == 409
    assert platform("POST", "/v1/organizations/other/change-windows", json=NIGHTS).status_code == 201
    assert platform("POST", "/v1/organizations/nobody/change-windows", json=NIGHTS).status_code == 404


def test_there_is_a_bound_on_windows(platform: Caller, services: Services) -> None:
    for number in range(MAX_ROWS):
        assert platform("POST", WINDOWS, json=FREEZE | {"name": f"w{number}"}).status_code == 201
    answer = platform("POST", WINDOWS, json=NIGHTS)
    assert answer.status_code == 409
    assert str(MAX_ROWS) in answer.json["detail"]


@pytest.mark.parametrize(
    ("place", "body", "field"),
    [
        (WINDOWS, NIGHTS | {"time_intervals": [{"weekdays": ["funday"]}]}, "time_intervals.0.weekdays.0"),
        (WINDOWS, {"name": "x"}, "time_intervals"),
        (WINDOWS, FREEZE | {"ends_at": "2026-04-19T00:00:00Z"}, "ends_at"),
        (WINDOWS, FREEZE | {"starts_at": "soon"}, "starts_at"),
        (WINDOWS, NIGHTS | FREEZE, "time_intervals"),
        (WINDOWS, NIGHTS | {"grace_minutes": 999}, "grace_minutes"),
        (WINDOWS, NIGHTS | {"kind": "maybe"}, "kind"),
        (WINDOWS, NIGHTS | {"colour": "blue"}, "colour"),
        (RULES, {"name": "x", "pattern": {"action": "update"}, "sensitivity": 1}, "pattern/action"),
        (RULES, {"name": "x", "pattern": {"action": ["update"]}}, "sensitivity"),
        (RULES, {"name": "x", "pattern": {"action": ["update"]}, "sensitivity": 6}, "sensitivity"),
        (RULES, {"name": "x", "pattern": {"action": ["update"]}, "tags": ["No Spaces"]}, "tags.0"),
        ("/v1/filters/test", {"filter": {"action": [{"regex": ".*"}]}}, "filter/action/0/regex"),
        ("/v1/filters/test", {"filter": {"action": ["update"]}}, "organization_id"),
    ],
    ids=str,
)
def test_a_wrong_policy_names_its_field(platform: Caller, place: str, body: dict[str, Any], field: str) -> None:
    answer = platform("POST", place, json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


def test_a_wrong_filter_of_a_webhook_names_the_place(platform: Caller) -> None:
    body = {"type": "instant", "name": "Picky", "organization_id": "acme"}
    made = platform("POST", "/v1/webhooks", json=body).json["id"]
    answer = platform("PATCH", f"/v1/webhooks/{made}", json={"filter": {"tags": [{"prefx": "a"}]}})
    assert answer.json["errors"][0]["field"] == "filter/tags/0/prefx"
    shown = platform("PATCH", f"/v1/webhooks/{made}", json={"filter": {"tags": ["a"]}}).json
    assert shown["filter"] == {"tags": ["a"]}
    assert platform("PATCH", f"/v1/webhooks/{made}", json={"filter": None}).json["filter"] is None


def test_windows_are_tried_and_previewed_before_they_matter(platform: Caller) -> None:
    made = platform("POST", WINDOWS, json=NIGHTS).json["id"]
    inside = platform("POST", f"{WINDOWS}/test", json={"time": INSIDE}).json
    assert inside == {
        "time": "2026-04-16T00:30:00.000Z",
        "outside_change_window": False,
        "change_windows": [{"name": "eu-network-nights", "kind": "allow"}],
    }
    assert platform("POST", f"{WINDOWS}/test", json={"time": OUTSIDE}).json["outside_change_window"] is True
    assert platform("POST", f"{WINDOWS}/test", json={"time": "noon"}).status_code == 422
    openings = platform("GET", f"{WINDOWS}/{made}/openings").json["openings"]
    assert len(openings) == 5
    assert platform("POST", f"{WINDOWS}/preview", json=NIGHTS).json["openings"] == openings


def test_a_filter_is_tried_on_what_really_happened(platform: Caller) -> None:
    platform("POST", "/v1/events", json=[event(1), event(2, action="delete"), event(3, tags=["policy"])])
    body = {"filter": {"action": ["update"], "tags": ["ip_allowlist"]}, "organization_id": "acme"}
    told = platform("POST", "/v1/filters/test", json=body).json
    assert (told["tried"], told["matched"]) == (3, 1)
    assert told["refused_at"] == {"/action": 1, "/tags": 1}
    assert [one["id"] for one in told["samples"]] == ["e1"]


def test_settings_are_tried_on_what_really_happened(platform: Caller) -> None:
    platform("POST", WINDOWS, json=NIGHTS)
    made = webhook(platform, "Ops Slack")
    platform(
        "POST", "/v1/events", json=[event(1, INSIDE), event(2), event(3, context={"id": "c2"}), event(4, tags=["x"])]
    )
    trial = {
        "event_types": ["entrypoint.configuration.audit"],
        "only_outside_change_windows": True,
        "filter": {"tags": ["ip_allowlist"]},
        "muted_contexts": ["c2"],
    }
    told = platform("POST", f"/v1/webhooks/{made}/explain", json=trial).json
    assert told == {
        "tried": 7,
        "delivered": 1,
        "reasons": {
            "event type organization.configuration.audit is not among the enabled ones": 3,
            "inside change window eu-network-nights": 1,
            "context c2 is muted for this webhook": 1,
            "the filter says no at /tags": 1,
        },
    }
    assert platform("POST", f"/v1/webhooks/{made}/explain", json={}).json["delivered"] == 7


def test_trials_stay_within_the_scope(platform: Caller, caller: Callable[..., Caller]) -> None:
    platform("POST", "/v1/events", json=[event(1), event(2, context={"id": "c2"})])
    narrow = caller("read", "acme", "c2")
    told = narrow("POST", "/v1/filters/test", json={"filter": {"action": ["update"]}}).json
    assert [one["id"] for one in told["samples"]] == ["e2"]
    foreign = caller("read", "other")
    body = {"filter": {"action": ["update"]}, "organization_id": "acme"}
    assert foreign("POST", "/v1/filters/test", json=body).json["tried"] == 0
