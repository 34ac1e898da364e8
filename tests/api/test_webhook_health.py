"""How a receiver fares, as the API tells it, and the call that ends its troubles."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.clock import system_clock
from app.services import Services
from app.store.holds import stop_webhook
from app.store.tables import webhooks
from tests.api.conftest import Caller

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def webhook(platform: Caller) -> str:
    body = {"type": "instant", "name": "hook", "organization_id": "acme"}
    made = platform("POST", "/v1/webhooks", json=body).json
    assert made is not None
    changed = platform("PATCH", f"/v1/webhooks/{made['id']}", json={"sink": "webhook", "endpoint_url": URL})
    assert changed.status_code == 200
    return str(made["id"])


def shown(platform: Caller, webhook: str) -> dict[str, Any]:
    answer = platform("GET", f"/v1/webhooks/{webhook}").json
    assert answer is not None
    health: dict[str, Any] = answer["health"]
    return health


def test_a_new_webhook_is_healthy_and_says_so_in_lists_too(platform: Caller, webhook: str) -> None:
    healthy = {
        "state": "healthy",
        "reason": None,
        "since": None,
        "consecutive_failures": 0,
        "without_success_since": None,
        "next_probe_at": None,
        "confirmations": None,
    }
    assert shown(platform, webhook) == healthy
    listed = platform("GET", "/v1/webhooks").json
    assert listed is not None
    assert [item["health"] for item in listed["items"]] == [healthy]


def test_a_stopped_webhook_says_why_and_since_when_and_resumes_with_a_probe(
    platform: Caller, webhook: str, services: Services
) -> None:
    now = system_clock()
    with services.store.write() as connection:
        pk = connection.execute(webhooks.select()).one().pk
        stop_webhook(connection, pk, state="paused", reason="the token is disabled", now=now)
    health = shown(platform, webhook)
    assert (health["state"], health["reason"]) == ("stopped", "the token is disabled")
    assert health["since"] is not None
    resumed = platform("POST", f"/v1/webhooks/{webhook}/resume", json={"probe": True}).json
    assert resumed is not None
    assert (resumed["state"], resumed["health"]["state"]) == ("enabled", "failing")
    again = platform("POST", f"/v1/webhooks/{webhook}/resume").json
    assert again is not None
    assert again["health"]["state"] == "healthy"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/resume", {"probe": 1}, "probe"),
        ("/resume", {"prob": True}, "prob"),
        ("", {"failing_head": "waits"}, "failing_head"),
        ("", {"failing_head": "blocks"}, "failing_head"),
    ],
)
def test_wrong_input_is_refused_and_named(
    platform: Caller, webhook: str, path: str, body: dict[str, Any], field: str
) -> None:
    method = "POST" if path else "PATCH"
    answer = platform(method, f"/v1/webhooks/{webhook}{path}", json=body)
    assert answer.status_code == 422
    assert field in answer.text
