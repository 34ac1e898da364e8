from __future__ import annotations

from collections.abc import Callable

from tests.api.conftest import Caller
from tests.api.test_events import event


def batch_webhook(platform: Caller, **batch: int) -> str:
    body = {"type": "batch", "name": "Archive", "organization_id": "acme"}
    webhook = str(platform("POST", "/v1/webhooks", json=body).json["id"])
    change = {"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/hook", "batch": batch}
    assert platform("PATCH", f"/v1/webhooks/{webhook}", json=change).status_code == 200
    return webhook


def test_what_waits_is_closed_by_hand_and_shown_with_its_members(platform: Caller) -> None:
    webhook = batch_webhook(platform, max_events=2)
    platform("POST", "/v1/events", json=[event(number) for number in range(1, 6)])
    closed = platform("POST", f"/v1/webhooks/{webhook}/batches/close").json["closed"]
    assert [(one["close_reason"], one["event_count"]) for one in closed] == [("count", 2), ("count", 2), ("hand", 1)]
    assert platform("POST", f"/v1/webhooks/{webhook}/batches/close").json == {"closed": []}

    first = platform("GET", f"/v1/webhooks/{webhook}/batches?limit=2").json
    rest = platform("GET", f"/v1/webhooks/{webhook}/batches?limit=2&cursor={first['next']}").json
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in closed[::-1]]
    assert rest["next"] is None

    shown = platform("GET", f"/v1/batches/{closed[0]['id']}?limit=1").json
    assert {name: shown[name] for name in closed[0]} == closed[0]
    assert shown["webhook_id"] == webhook
    assert shown["states"] == {
        "pending": 2,
        "sending": 0,
        "delivered": 0,
        "failed": 0,
        "skipped": 0,
        "parked": 0,
        "accepted": 0,
        "left": 0,
    }
    assert [one["event_id"] for one in shown["members"]["items"]] == ["e1"]
    more = platform("GET", f"/v1/batches/{shown['id']}?limit=1&cursor={shown['members']['next']}").json["members"]
    assert ([one["event_id"] for one in more["items"]], more["next"]) == (["e2"], None)
    assert more["items"][0]["batch_id"] == shown["id"]
    assert more["items"][0]["next_attempt_at"] == shown["next_attempt_at"]
    assert shown["requests"] == {"items": [], "next": None}
    assert platform("GET", f"/v1/batches/{shown['id']}/requests").json == {"items": [], "next": None}


def test_nobody_sees_or_closes_foreign_batches(platform: Caller, caller: Callable[..., Caller]) -> None:
    webhook = batch_webhook(platform)
    platform("POST", "/v1/events", json=[event(1)])
    (batch,) = platform("POST", f"/v1/webhooks/{webhook}/batches/close").json["closed"]
    for stranger in (caller("write", organization="other"), caller("write", organization="acme", context="c1")):
        for method, path in (
            ("GET", f"/v1/webhooks/{webhook}/batches"),
            ("POST", f"/v1/webhooks/{webhook}/batches/close"),
            ("GET", f"/v1/batches/{batch['id']}"),
            ("GET", f"/v1/batches/{batch['id']}/requests"),
        ):
            assert stranger(method, path).status_code == 404, path
    assert caller("read")("POST", f"/v1/webhooks/{webhook}/batches/close").status_code == 403


def test_an_instant_webhook_has_nothing_to_close(platform: Caller) -> None:
    body = {"type": "instant", "name": "Receiver", "organization_id": "acme"}
    webhook = platform("POST", "/v1/webhooks", json=body).json["id"]
    answer = platform("POST", f"/v1/webhooks/{webhook}/batches/close")
    assert (answer.status_code, answer.json["detail"]) == (409, "an instant webhook has no batches")
    assert platform("GET", f"/v1/webhooks/{webhook}/batches").json == {"items": [], "next": None}
