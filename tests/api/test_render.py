"""``POST /v1/sinks/{sink}/render``: exactly what would go out, masked, and nothing sent."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from app.sinks.samples import canonical
from tests.api.conftest import Caller

EVENTS = [canonical(f"evt_{number}") for number in range(3)]
SPLUNK = {"token": "s3cret-token"}


def render(caller: Caller, sink: str, **body: Any) -> dict[str, Any]:
    answer = caller("POST", f"/v1/sinks/{sink}/render", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json
    return shown


def test_one_event_is_the_request_it_would_be(platform: Caller) -> None:
    shown = render(platform, "webhook", event=EVENTS[0], endpoint_url="https://hooks.example/in?key=s3cret")
    assert shown["rejected"] == []
    assert shown["requests"] == [shown["request"]]
    assert orjson.loads(shown["request"]["body"]) == EVENTS[0]
    assert shown["request"]["url"] == "https://hooks.example/in?key=***"
    assert shown["request"]["headers"] == {"content-type": "application/json"}
    assert "webhook-signature" in shown["request"]["added_headers"]


def test_a_batch_is_framed_and_packed_as_it_would_be(platform: Caller) -> None:
    one = render(platform, "webhook", events=EVENTS, batch=True)
    assert [event["id"] for event in orjson.loads(one["request"]["body"])] == ["evt_0", "evt_1", "evt_2"]
    config = {"max_events": 2}
    two = render(platform, "splunk_hec", events=EVENTS, batch=True, config=config, secrets=SPLUNK)
    assert [body["body"].count('"event":') for body in two["requests"]] == [2, 1]
    each = render(platform, "webhook", events=EVENTS)
    assert len(each["requests"]) == 3


def test_a_compressed_body_is_shown_as_it_is_inside_and_bytes_in_base64(platform: Caller) -> None:
    shown = render(platform, "splunk_hec", event=EVENTS[0], secrets=SPLUNK)["request"]
    assert (shown["compressed"], shown["headers"]["content-encoding"]) == (True, "gzip")
    assert orjson.loads(shown["body"])["event"]["id"] == "evt_0"
    assert shown["headers"]["authorization"] == "***"
    raw = render(platform, "otlp", event=EVENTS[0], config={"gzip": False})["request"]
    assert raw["body_encoding"] == "base64"
    assert b"evt_0" in base64.b64decode(raw["body"])


def test_secrets_may_be_left_out_of_a_preview(platform: Caller) -> None:
    assert render(platform, "datadog", event=EVENTS[0])["request"]["headers"]["dd-api-key"] == "***"


def test_a_stored_webhook_shows_what_it_would_send_with_its_own_settings(platform: Caller) -> None:
    made = platform("POST", "/v1/webhooks", json={"type": "batch", "name": "Splunk", "organization_id": "acme"}).json
    change = {
        "sink": "splunk_hec",
        "endpoint_url": "http://127.0.0.1:9/",
        "secrets": SPLUNK,
        "config": {"index": "audit"},
    }
    assert platform("PATCH", f"/v1/webhooks/{made['id']}", json=change).status_code == 200
    shown = platform("POST", "/v1/sinks/splunk_hec/render", json={"webhook_id": made["id"], "events": EVENTS})
    assert shown.json["request"]["body"].count('"index":"audit"') == 3
    assert "s3cret" not in shown.text
    other = platform("POST", "/v1/sinks/webhook/render", json={"webhook_id": made["id"], "events": EVENTS})
    assert (other.status_code, "splunk_hec" in other.text) == (422, True)


def test_an_event_that_never_goes_out_is_named_with_the_reason(platform: Caller) -> None:
    shown = render(platform, "loki", events=[EVENTS[0], {"id": "evt_9", "type": "t"}], batch=True)
    assert shown["rejected"] == [{"event_id": "evt_9", "reason": "the event has no time that Loki could take"}]
    assert len(shown["requests"]) == 1


@pytest.mark.parametrize(
    ("sink", "body", "status", "field"),
    [
        ("webhook", {"event": {}, "endpoint_url": "ftp://x.example"}, 422, "endpoint_url"),
        ("webhook", {"event": {}, "webhook_id": "wh_gone"}, 404, ""),
        ("webhook", {"event": {}, "webhook_id": "wh_gone", "config": {"body_shape": "ndjson"}}, 422, "webhook_id"),
        ("webhook", {"events": [{}] * 201}, 422, "events"),
        ("webhook", {"event_ids": ["gone"]}, 404, ""),
        ("webhook", {"event": {}, "secrets": {"bearer_token": "a b"}}, 422, "secrets.bearer_token"),
        ("webhook", {"event": {}, "secrets": {"oauth_client_secret": "x"}}, 422, "config"),
    ],
)
def test_what_cannot_be_shown_is_explained(
    platform: Caller, sink: str, body: dict[str, Any], status: int, field: str
) -> None:
    answer = platform("POST", f"/v1/sinks/{sink}/render", json=body)
    assert answer.status_code == status
    assert not field or field in {one["field"] for one in answer.json["errors"]}
