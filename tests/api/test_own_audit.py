"""Our own changes are events for everybody but the webhook that changed."""

from __future__ import annotations

from typing import Any

from app.core.clock import system_clock
from app.delivery.stopping import Stopping
from app.routing.own_audit import OwnAudit
from app.services import Services
from app.store.tables import webhooks
from tests.api.conftest import Caller
from tests.api.test_policies import NIGHTS, RULES, WINDOWS, webhook

OWN = "organization.configuration.audit"
SECRET = "Bearer s3cr3t-canary-0123456789"


def own_events(caller: Caller) -> list[dict[str, Any]]:
    """Oldest first."""
    found = caller("GET", f"/v1/events?event_type={OWN}&limit=200").json["items"]
    return list(reversed(found))


def got(caller: Caller, webhook_id: str) -> list[str]:
    items = caller("GET", f"/v1/webhooks/{webhook_id}/deliveries?limit=200").json["items"]
    return [one["event_id"] for one in items]


def test_disabling_a_webhook_alerts_the_others(platform: Caller) -> None:
    watcher = webhook(platform, "Watcher")
    victim = webhook(platform, "Victim")
    before = len(own_events(platform))
    platform("PATCH", f"/v1/webhooks/{victim}", json={"enabled": False})
    told = own_events(platform)[before:]
    assert len(told) == 1
    event = told[0]
    assert event["actor"]["type"] == "api_token"
    assert event["actor"]["id"].startswith("key_")
    assert event["entity"] == {"type": "webhook", "id": victim, "name": "Victim"}
    assert [(one["field"], one["before"], one["after"]) for one in event["changes"]] == [
        ("state", "enabled", "disabled")
    ]
    assert (event["sensitivity"], event["tags"]) == (5, ["webhooks"])
    assert event["description"] == "Updated Victim: state"
    assert event["id"] in got(platform, watcher)
    assert event["id"] not in got(platform, victim)
    assert platform("GET", "/v1/ledger").json["balanced"] is True


def test_a_new_endpoint_is_told_and_no_secret_with_it(platform: Caller) -> None:
    webhook(platform, "Watcher")
    victim = webhook(platform, "Victim")
    change = {"endpoint_url": "http://127.0.0.1:10/", "headers": {"Authorization": SECRET}}
    platform("PATCH", f"/v1/webhooks/{victim}", json=change)
    event = own_events(platform)[-1]
    told = {one["field"]: (one["before"], one["after"], one["secret"]) for one in event["changes"]}
    assert told["endpoint_url"] == ("http://127.0.0.1:9/", "http://127.0.0.1:10/", False)
    assert told["headers"] == ("***", "***", True)
    assert SECRET not in str(own_events(platform))


def test_a_credential_in_a_name_or_a_filter_is_masked_in_the_event(platform: Caller) -> None:
    made = webhook(platform, "SIEM psk=hunter2hunter2", filter={"description": ["Bearer hunter2hunter2"]})
    pattern = {"changes": {"after": ["https://admin:hunter2hunter2@example.com/"]}}
    rule = {"name": "psk=hunter2hunter2", "pattern": pattern, "sensitivity": 1}
    assert platform("POST", RULES, json=rule).status_code == 201
    assert platform("DELETE", f"/v1/webhooks/{made}").status_code == 204
    told = str(own_events(platform))
    assert "hunter2" not in told
    assert "SIEM psk=***" in told
    assert "https://***@example.com/" in told


def test_everything_that_is_done_to_a_webhook_is_told_in_order(platform: Caller) -> None:
    made = webhook(platform, "Watched")
    place = f"/v1/webhooks/{made}"
    for method, path, body in (
        ("POST", "/pause", None),
        ("POST", "/resume", {}),
        ("POST", "/secret/rotate", {}),
        ("PATCH", "", {"filter": {"tags": ["x"]}}),
        ("PATCH", "", {"filter": {"tags": ["x"]}}),
        ("DELETE", "", None),
    ):
        assert platform(method, place + path, json=body).status_code in {200, 204}
    told = [(one["action"], [change["field"] for change in one["changes"]]) for one in own_events(platform)]
    assert told[0] == ("create", ["Webhook"])
    assert told[2:] == [
        ("update", ["state"]),
        ("update", ["state"]),
        ("update", ["signing_secret"]),
        ("update", ["filter"]),
        ("delete", ["Webhook"]),
    ]


def test_windows_and_rules_are_told_with_before_and_after(platform: Caller) -> None:
    made = platform("POST", WINDOWS, json=NIGHTS).json["id"]
    platform("PUT", f"{WINDOWS}/{made}", json=NIGHTS | {"grace_minutes": 30})
    platform("DELETE", f"{WINDOWS}/{made}")
    created, changed, deleted = own_events(platform)
    assert (created["action"], created["entity"]["type"]) == ("create", "change_window")
    assert [(one["field"], one["before"], one["after"]) for one in changed["changes"]] == [("grace_minutes", 0, 30)]
    assert changed["sensitivity"] == 4
    assert deleted["action"] == "delete"


def test_a_webhook_that_the_system_stops_is_told_once(platform: Caller, services: Services) -> None:
    watcher = webhook(platform, "Watcher")
    victim = webhook(platform, "Victim")
    before = len(own_events(platform))
    stopping = Stopping(OwnAudit(services.vault, clock=system_clock, random_bytes=lambda size: b"\7" * size))
    for _ in range(2):
        with services.store.write() as connection:
            pk = connection.execute(webhooks.select().where(webhooks.c.id == victim)).one().pk
            stopping.stop(connection, pk, state="disabled", reason="410 Gone", now=system_clock())
    told = own_events(platform)[before:]
    assert [one["actor"]["type"] for one in told] == ["system"]
    assert told[0]["changes"][1]["after"] == "410 Gone"
    assert told[0]["id"] in got(platform, watcher)
