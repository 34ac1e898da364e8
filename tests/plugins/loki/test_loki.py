from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Outcome, Reject, Sink, Verdict, gunzip_body
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.loki import LokiConfig, LokiSecrets, LokiSink
from plugins.loki.settings import MAX_LABELS
from tests.catalogue import events, planted_in

SINK = LokiSink()
D, X, A, B, S = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.SPLIT


def bound(secrets: dict[str, str] | None = None, **config: Any) -> AnyBinding:
    own = LokiSecrets.model_validate({"basic_password": "glc_s3cret"} if secrets is None else secrets)
    settings = LokiConfig(**{"gzip": False} | config)
    return Binding("wh_1", "Loki", "607551", "https://loki.example:3100", settings, own, batch=True)


def pushed(batch: list[Any], binding: AnyBinding) -> dict[str, Any]:
    body = SINK.build_request([SINK.format(event, binding) for event in batch], binding).body
    assert planted_in(body) == []
    document: dict[str, Any] = orjson.loads(body)
    check_push(document)
    return document


def check_push(document: dict[str, Any]) -> None:
    """What Loki 3 was seen to demand of a push."""
    assert list(document) == ["streams"]
    assert document["streams"]
    for stream in document["streams"]:
        assert set(stream) == {"stream", "values"}
        assert 0 < len(stream["stream"]) <= MAX_LABELS
        assert all(isinstance(value, str) and value for value in stream["stream"].values())
        for time, line, metadata in stream["values"]:
            assert isinstance(time, str)
            assert time.isdecimal()
            assert isinstance(line, str)
            assert all(isinstance(value, str) for value in metadata.values())


class TestLokiContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


def test_a_push_has_these_very_bytes() -> None:
    event = sample_event("evt_1")
    binding = bound(tenant="audit", labels={"app": "rp"}, event_labels=["context"])
    request = SINK.build_request([SINK.format(event, binding)], binding)
    assert request.body == (
        b'{"streams":[{"stream":{"app":"rp","context":"ctx_9"},"values":[["1776566096118000000",'
        + orjson.dumps(event.json.decode())
        + b',{"event_id":"evt_1","event_type":"entrypoint.configuration.audit","context_id":"ctx_9",'
        b'"user":"admin@example.com","source_ip":"192.0.2.7","action":"update","entity_type":"ip_allowlist",'
        b'"entity":"RADIUS Access Restrictions","sensitivity":"5","outside_change_window":"true"}]]}]}'
    )
    assert request.url == "https://loki.example:3100/loki/api/v1/push"
    assert request.headers == (
        ("content-type", "application/json"),
        ("x-scope-orgid", "audit"),
        ("authorization", "Basic OmdsY19zM2NyZXQ="),
    )


def test_lines_of_equal_labels_share_a_stream_and_keep_their_order() -> None:
    document = pushed(list(events().values()), bound(event_labels=["context"]))
    labels = [orjson.dumps(stream["stream"]) for stream in document["streams"]]
    assert len(labels) == len(set(labels)) > 1
    assert sum(len(stream["values"]) for stream in document["streams"]) == 85
    for stream in document["streams"]:
        times = [int(line[0]) for line in stream["values"]]
        assert times == sorted(times)


@pytest.mark.parametrize("spoiled", [{"streams": []}, {"streams": [{"stream": {}, "values": []}]}])
def test_the_check_of_a_push_refuses_a_spoiled_one(spoiled: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        check_push(spoiled)


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_no_text_of_an_event_can_break_out_of_its_stream(text: str, label: str) -> None:
    hostile = sample_event("evt_1", description=f'],"values":[{text}', service=f'a","values":[{label}')
    (stream,) = pushed([hostile, hostile], bound(event_labels=["service"]))["streams"]
    assert stream["stream"]["service"] == hostile.data["service"]
    assert orjson.loads(stream["values"][1][1]) == hostile.data


def test_the_time_is_the_events_or_when_it_was_received() -> None:
    event = sample_event("evt_1")
    for timestamp, start in (("occurred", "1776566096118"), ("received", "1776566097002")):
        (stream,) = pushed([event], bound(timestamp=timestamp))["streams"]
        assert stream["values"][0][0] == start + "000000"
    undated = sample_event("evt_2", occurred_at=None, received_at="soon")
    assert isinstance(SINK.format(undated, bound()), Reject)


def test_a_line_that_loki_would_refuse_is_not_sent() -> None:
    event = sample_event("evt_1", description="x" * 10_000)
    assert isinstance(SINK.format(event, bound(max_line_bytes=10_000)), Reject)
    assert isinstance(SINK.format(event, bound(max_line_bytes=len(event.json))), Item)


@pytest.mark.parametrize(
    "config", [{"labels": {"a b": "x"}}, {"labels": {"a": ""}}, {"labels": {f"l{n}": "x" for n in range(11)}}]
)
def test_labels_that_loki_refuses_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LokiConfig(**config)


def read(status: int, body: bytes, count: int) -> Outcome:
    return SINK.classify(Answer(status, {}, body), [Item(f"e{n}", b"") for n in range(count)], bound())


@pytest.mark.parametrize(
    ("status", "body", "count", "verdict"),
    [
        (204, b"", 1, D),
        (200, b"<html>", 1, B),
        (202, b"", 1, B),
        (400, b"entry for stream '{app=\"x\"}' has timestamp too old: 2020", 3, S),
        (400, b"has timestamp too new", 1, X),
        (400, b"2 errors like: Max entry size '256' exceeded", 2, S),
        (400, b"anything", 1, X),
        (401, b"no org id", 1, B),
        (404, b"", 1, B),
        (413, b"", 2, S),
        (422, b"at least one valid stream is required", 1, X),
        (429, b"Ingestion rate limit exceeded", 3, Verdict.THROTTLE),
        (500, b"", 1, A),
        (503, b"", 1, Verdict.THROTTLE),
    ],
)
def test_an_answer_means(status: int, body: bytes, count: int, verdict: Verdict) -> None:
    assert read(status, body, count).verdict is verdict


def test_a_refusal_is_told_in_our_words() -> None:
    assert read(400, b"timestamp too old: {secret line}", 1).reason == "the line is older than Loki takes"


def test_two_ways_to_authorize_are_refused_and_one_is_sent() -> None:
    with pytest.raises(ValidationError, match="not both"):
        LokiSecrets.model_validate({"basic_password": "a", "bearer_token": "b"})
    request = SINK.build_request([Item("e", b'{"stream":{},"values":[]}')], bound({"bearer_token": "t"}))
    assert ("authorization", "Bearer t") in request.headers


def test_a_compressed_push_holds_the_same_bytes() -> None:
    items = [SINK.format(event, bound()) for event in events().values()]
    assert gunzip_body(SINK.build_request(items, bound(gzip=True)).body) == SINK.build_request(items, bound()).body
