from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Sink, Verdict, gunzip_body
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.datadog import DatadogConfig, DatadogSecrets, DatadogSink
from tests.catalogue import events, planted_in

SINK = DatadogSink()
KEY = "0123456789abcdef0123456789abcdef"
URL = "https://http-intake.logs.datadoghq.eu/api/v2/logs"
D, X, A, B, S = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.SPLIT


def bound(**config: Any) -> AnyBinding:
    settings = DatadogConfig(**{"gzip": False} | config)
    secrets = DatadogSecrets.model_validate({"api_key": KEY})
    return Binding("wh_1", "DD", "607551", "https://http-intake.logs.datadoghq.eu", settings, secrets, batch=True)


class TestDatadogContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


def test_a_log_has_these_very_bytes() -> None:
    event = sample_event("evt_1")
    request = SINK.build_request([SINK.format(event, bound(tags=["env:prod"], host="h1"))], bound())
    assert request.body == (
        b'[{"ddsource":"relaypoint","ddtags":"env:prod,event_type:entrypoint.configuration.audit,organization:607551,'
        b'context:ctx_9,tag:ip_allowlist","service":"entrypoint","message":"Updated RADIUS Access Restrictions",'
        b'"status":"warn","evt":{"name":"entrypoint.configuration.audit","outcome":"success"},"usr":{"id":"u_12",'
        b'"email":"admin@example.com","name":"admin@example.com"},"network":{"client":{"ip":"192.0.2.7"}},'
        b'"hostname":"h1","timestamp":1776566096118,"event":' + event.json + b"}]"
    )
    assert request.url == URL
    assert request.headers == (("content-type", "application/json"), ("dd-api-key", KEY))
    assert request.secret_headers == {"dd-api-key"}


def test_every_change_of_the_catalogue_is_a_log_as_the_api_wants_it() -> None:
    items = [SINK.format(event, bound()) for event in events().values()]
    body = SINK.build_request(items, bound()).body
    logs = orjson.loads(body)
    assert len(logs) == 85
    assert planted_in(body) == []
    for log in logs:
        assert isinstance(log["message"], str)
        assert log["message"]
        assert isinstance(log["ddtags"], str)
        assert all(0 < len(tag) <= 200 for tag in log["ddtags"].split(","))
    assert gunzip_body(SINK.build_request(items, bound(gzip=True)).body) == body


def test_a_tag_cannot_bring_another_tag_with_it() -> None:
    log = orjson.loads(SINK.format(sample_event(tags=["a,env:prod", "x y\nz"]), bound()).body)
    assert log["ddtags"].split(",")[-2:] == ["tag:a_env:prod", "tag:x_y_z"]
    with pytest.raises(ValidationError):
        DatadogConfig(tags=("a,b",))


@pytest.mark.parametrize(
    ("status", "count", "verdict"),
    [
        *[(status, 1, D) for status in (200, 202)],
        (400, 3, S),
        (400, 1, X),
        (401, 1, B),
        (403, 1, B),
        *[(status, 1, A) for status in (408, 500)],
        (503, 1, Verdict.THROTTLE),
        (413, 2, S),
        (413, 1, X),
        (429, 1, Verdict.THROTTLE),
    ],
)
def test_a_status_means(status: int, count: int, verdict: Verdict) -> None:
    outcome = SINK.classify(Answer(status, {}, b"{}"), [Item("e", b"")] * count, bound())
    assert outcome.verdict is verdict
