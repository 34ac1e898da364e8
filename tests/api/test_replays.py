"""Redelivering and backfilling many through the API, as a person or a script does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from app.core.clock import SECOND, system_clock
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.replaying import Replayer
from app.services import Services
from app.store.record import AttemptRow, Record, write_attempts, write_record
from app.store.tables import deliveries
from tests.api.conftest import Caller

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def webhook(platform: Caller, services: Services) -> str:
    """A webhook with three failed deliveries."""
    body = {"type": "instant", "name": "Mine", "organization_id": "acme"}
    made: str = platform("POST", "/v1/webhooks", json=body).json["id"]
    platform("PATCH", f"/v1/webhooks/{made}", json={"sink": "webhook", "endpoint_url": "http://127.0.0.1:9/"})
    events = [{"id": f"e{n}", "organization_id": "acme", "type": "entrypoint.configuration.audit"} for n in range(3)]
    assert platform("POST", "/v1/events", json=events).json["accepted"] == 3
    with services.store.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.FAILED, due_at=None))
    return made


def test_count_start_watch_and_cancel(platform: Caller, services: Services, webhook: str) -> None:
    path = f"/v1/webhooks/{webhook}/redeliver"
    counted = platform("POST", path, json={"state": "failed", "since": LONG_AGO, "dry_run": True})
    assert (counted.status_code, counted.json) == (202, {"count": 3})
    started = platform("POST", path, json={"state": "failed", "since": LONG_AGO, "per_s": 1})
    assert started.status_code == 202
    replay = started.json
    assert (replay["state"], replay["total"], replay["done"], replay["per_s"]) == ("running", 3, 0, 1)
    assert replay["filter"]["state"] == "failed"
    assert replay["created_by"].startswith("key_")
    Replayer(services.store).step(system_clock() + SECOND)
    shown = platform("GET", f"/v1/replays/{replay['id']}").json
    assert (shown["state"], shown["done"]) == ("running", 1)
    assert platform("GET", f"/v1/webhooks/{webhook}/replays").json == {"items": [shown], "next": None}
    again = platform("POST", path, json={"since": LONG_AGO})
    assert again.status_code == 409
    assert "another replay of this webhook is running" in again.json["detail"]
    cancelled = platform("POST", f"/v1/replays/{replay['id']}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert platform("POST", f"/v1/replays/{replay['id']}/cancel").status_code == 409
    items = platform("GET", f"/v1/webhooks/{webhook}/deliveries").json["items"]
    assert [one["state"] for one in items] == ["failed", "failed", "pending"]


def test_a_redelivery_takes_the_answer_that_the_history_is_filtered_by(
    platform: Caller, services: Services, webhook: str
) -> None:
    with services.store.write() as connection:
        owed = connection.execute(select(deliveries.c.webhook_pk, deliveries.c.event_seq)).all()
        rows = [
            AttemptRow(*one, 1, system_clock(), AttemptOutcome.REJECTED, status, None)
            for one, status in zip(owed, (404, 503, None), strict=True)
        ]
        write_attempts(connection, rows)
        connection.execute(update(deliveries).values(attempt_count=1))
    path = f"/v1/webhooks/{webhook}/redeliver"
    for code, number in (("2xx", 0), ("3xx", 0), ("4xx", 1), ("5xx", 1), ("none", 1)):
        listed = platform("GET", f"/v1/webhooks/{webhook}/deliveries?code={code}").json["items"]
        counted = platform("POST", path, json={"code": code, "since": LONG_AGO, "dry_run": True})
        assert (len(listed), counted.json) == (number, {"count": number})
    broken = platform("GET", f"/v1/webhooks/{webhook}/deliveries?code=5xx").json["items"][0]["id"]
    started = platform("POST", path, json={"code": "5xx", "since": LONG_AGO}).json
    assert (started["total"], started["filter"]["code"], started["filter"]["state"]) == (1, "5xx", None)
    Replayer(services.store).step(system_clock() + SECOND)
    assert platform("GET", f"/v1/replays/{started['id']}").json["filter"]["code"] == "5xx"
    items = platform("GET", f"/v1/webhooks/{webhook}/deliveries").json["items"]
    assert [one["id"] for one in items if one["state"] == "pending"] == [broken]


def test_a_new_webhook_is_backfilled(platform: Caller, services: Services, webhook: str) -> None:
    body = {"type": "instant", "name": "New", "organization_id": "acme"}
    new = platform("POST", "/v1/webhooks", json=body).json["id"]
    path = f"/v1/webhooks/{new}/backfill"
    refused = platform("POST", path, json={"since": LONG_AGO})
    assert (refused.status_code, "needs_endpoint" in refused.json["detail"]) == (409, True)
    change = {
        "sink": "webhook",
        "endpoint_url": "http://127.0.0.1:9/",
        "event_types": ["entrypoint.configuration.audit"],
    }
    platform("PATCH", f"/v1/webhooks/{new}", json=change)
    assert platform("POST", path, json={"since": LONG_AGO, "dry_run": True}).json == {"count": 3}
    assert platform("POST", path, json={"since": LONG_AGO}).json["kind"] == "backfill"
    Replayer(services.store).step(system_clock() + SECOND)
    ledger = platform("GET", "/v1/ledger").json
    told = 2  # the first webhook also heard of the new one: that it was made, and that it was set up
    assert [one["owed"] for one in ledger["webhooks"]] == [3 + told, 3]
    assert ledger["balanced"] is True


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("redeliver", {}, "since"),
        ("redeliver", {"since": "yesterday"}, "since"),
        ("redeliver", {"since": "2026-01-01T00:00:00"}, "since"),
        ("redeliver", {"since": LONG_AGO, "until": "2019-01-01T00:00:00Z"}, "since"),
        ("redeliver", {"since": "2099-01-01T00:00:00Z"}, "since"),
        ("redeliver", {"since": LONG_AGO, "state": "pending"}, "state"),
        ("redeliver", {"since": LONG_AGO, "code": "500"}, "code"),
        ("redeliver", {"since": LONG_AGO, "code": ""}, "code"),
        ("redeliver", {"since": LONG_AGO, "code": ["5xx"]}, "code"),
        ("redeliver", {"since": LONG_AGO, "event_type": ""}, "event_type"),
        ("redeliver", {"since": LONG_AGO, "per_s": 1_001}, "per_s"),
        ("redeliver", {"since": LONG_AGO, "per_s": 0}, "per_s"),
        ("redeliver", {"since": LONG_AGO, "speed": 1}, "speed"),
        ("backfill", {"since": LONG_AGO, "state": "failed"}, "state"),
        ("backfill", {"since": LONG_AGO, "code": "5xx"}, "code"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(
    platform: Caller, webhook: str, call: str, body: dict[str, Any], field: str
) -> None:
    answer = platform("POST", f"/v1/webhooks/{webhook}/{call}", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_unknown_replays_and_webhooks_are_not_there(platform: Caller) -> None:
    assert platform("GET", "/v1/replays/rpl_x").status_code == 404
    assert platform("POST", "/v1/replays/rpl_x/cancel").status_code == 404
    assert platform("POST", "/v1/webhooks/wh_x/backfill", json={"since": LONG_AGO}).status_code == 404


def test_possible_duplicates_are_counted_by_cause(platform: Caller, services: Services, webhook: str) -> None:
    with services.store.write() as connection:
        causes = ("worker_lost", "connection_lost", "worker_lost")
        rows = [
            AttemptRow(1, n, 1, system_clock(), AttemptOutcome.UNKNOWN, None, None, cause)
            for n, cause in enumerate(causes, 1)
        ]
        write_record(connection, Record(attempts=rows), 1)
    ledger = platform("GET", "/v1/ledger").json
    for account in (ledger, ledger["webhooks"][0]):
        assert account["duplicates_possible"] == 3
        assert account["duplicate_causes"] == {"connection_lost": 1, "worker_lost": 2}
    metrics = platform("GET", "/metrics").text.splitlines()
    assert 'relaypoint_duplicates_possible_total{cause="worker_lost"} 2' in metrics
    assert 'relaypoint_duplicates_possible_total{cause="connection_lost"} 1' in metrics
