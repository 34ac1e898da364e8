import gzip
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from app.sinks import Answer, AnyBinding, Binding, Item, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.splunk_hec import SplunkConfig, SplunkHecSink, SplunkSecrets

SINK = SplunkHecSink()
TOKEN = "11111111-2222-3333-4444-555555555555"
EVENT_URL = "https://splunk.example:8088/services/collector/event"
D, X, A, B, S = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.SPLIT
T = Verdict.THROTTLE


def bound(url: str = "https://splunk.example:8088", *, batch: bool = True, **config: Any) -> AnyBinding:
    secrets = SplunkSecrets(token=SecretStr(TOKEN))
    return Binding("wh_1", "Splunk", "607551", url, SplunkConfig(**{"gzip": False} | config), secrets, batch=batch)


def read(status: int, body: Any, count: int = 1, headers: dict[str, str] | None = None, **config: Any) -> Outcome:
    items = [Item(f"evt_{n}", b"{}") for n in range(count)]
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return SINK.classify(Answer(status, headers or {}, raw), items, bound(**config))


class TestSplunkContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound(index="audit")


def test_the_request_has_these_very_bytes() -> None:
    binding = bound(index="audit", host="relay-1", cim_fields=False)
    event = sample_event("evt_1")
    request = SINK.build_request([SINK.format(event, binding)], binding)
    assert request.body == (
        b'{"time":1776566096.118,"host":"relay-1","source":"relaypoint","sourcetype":"relaypoint:audit",'
        b'"index":"audit","fields":{"event_id":"evt_1","event_type":"entrypoint.configuration.audit",'
        b'"organization_id":"607551","organization":"Contoso","service":"entrypoint","context_id":"ctx_9",'
        b'"context":"HQ Dot1x","operation":"update","sensitivity":"5","outside_change_window":"true",'
        b'"event_tags":["ip_allowlist"]},"event":' + event.json + b"}"
    )
    assert request.url == EVENT_URL
    assert request.headers == (
        ("content-type", "application/json"),
        ("authorization", f"Splunk {TOKEN}"),
        ("x-splunk-request-channel", "69c2171d-4f09-5b6c-a514-3639bd0b40d4"),
    )
    assert request.secret_headers == {"authorization"}


def test_a_batch_is_objects_one_after_another_and_never_an_array() -> None:
    items = [SINK.format(sample_event(f"evt_{n}"), bound()) for n in range(3)]
    lines = SINK.build_request(items, bound()).body.split(b"\n")
    assert [orjson.loads(line)["event"]["id"] for line in lines] == ["evt_0", "evt_1", "evt_2"]


@pytest.mark.parametrize("kind", list(odd_events()))
def test_indexed_fields_are_flat_texts_whatever_the_event_holds(kind: str) -> None:
    envelope = orjson.loads(SINK.format(odd_events()[kind], bound()).body)
    for value in envelope["fields"].values():
        texts = value if isinstance(value, list) else [value]
        assert texts
        assert all(isinstance(text, str) and text for text in texts)
    assert envelope["fields"]["event_id"] == envelope["event"]["id"]


def test_cim_fields_follow_the_change_model() -> None:
    event = sample_event("evt_1", entity={"type": "policy", "id": 'p"1', "name": 'the "big" one'})
    fields = orjson.loads(SINK.format(event, bound()).body)["fields"]
    assert fields["action"] == "modified"
    assert fields["status"] == "success"
    assert fields["user"] == "admin@example.com"
    assert (fields["object"], fields["object_id"]) == ("the 'big' one", "p'1")
    assert fields["object_attrs"] == ["network_integration.access_restrictions.cidrs"]
    assert (fields["user_type"], fields["object_path"]) == ("admin", "network_integration.access_restrictions.cidrs")


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2026-11-23T07:30:18.598Z", 1795419018.598),
        ("2026-11-23T08:30:18+01:00", 1795419018.0),
        ("2026-11-23T07:30:18", 1795419018.0),
        ("1969-12-31T23:59:59.5Z", -0.5),
        ("yesterday", None),
        (None, None),
        (1795419018598, None),
    ],
)
def test_time_is_epoch_seconds_with_a_fraction_or_left_to_splunk(stamp: Any, seconds: float | None) -> None:
    envelope = orjson.loads(SINK.format(sample_event(occurred_at=stamp), bound()).body)
    assert envelope.get("time") == seconds


@pytest.mark.parametrize(
    ("endpoint", "sent_to", "health"),
    [
        ("https://s.example:8088", "https://s.example:8088/services/collector/event", "https://s.example:8088"),
        ("https://s.example:8088/", "https://s.example:8088/services/collector/event", "https://s.example:8088"),
        ("https://s.example/services/collector", "https://s.example/services/collector", "https://s.example"),
        ("https://s.example/hec/services/collector/event?a=b#c", None, "https://s.example/hec"),
        ("https://s.example/my/proxy", "https://s.example/my/proxy", None),
    ],
)
def test_the_endpoint_may_be_a_base_or_a_full_address(endpoint: str, sent_to: str | None, health: str | None) -> None:
    request = SINK.build_request([Item("evt_1", b"{}")], bound(endpoint))
    assert request.url == (sent_to or "https://s.example/hec/services/collector/event?a=b")
    probe = SINK.probe(bound(endpoint))
    assert (probe and (probe.method, probe.url)) == (health and ("GET", f"{health}/services/collector/health/1.0"))


def test_the_channel_is_stable_per_webhook_and_can_be_set() -> None:
    own = "0f0e0d0c-0b0a-4900-8807-060504030201"
    request = SINK.build_request([Item("evt_1", b"{}")], bound(channel=own))
    assert dict(request.headers)["x-splunk-request-channel"] == own


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, 0, D),
        *[(403, code, B) for code in (1, 4)],
        *[(401, code, B) for code in (2, 3)],
        *[(400, code, X) for code in (5, 6, 12, 13, 15)],
        *[(400, code, B) for code in (7, 10, 11, 14, 16, 21, 22)],
        (500, 8, A),
        *[(503, code, A) for code in (18, 19, 20, 23)],
        (503, 9, T),
        (200, 17, B),
        *[(200, code, D) for code in (24, 25)],
        *[(429, code, Verdict.THROTTLE) for code in (26, 27)],
        (200, 6, X),
        (200, 9, T),
        (503, 0, T),
        (200, 99, D),
        (400, 99, X),
        (503, 99, T),
    ],
)
def test_a_code_means(status: int, code: int, verdict: Verdict) -> None:
    assert read(status, {"text": "some text", "code": code}).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "count", "verdict"),
    [
        (200, b"<html>sign in</html>", 1, B),
        (200, b"", 1, B),
        (204, b"", 1, B),
        (200, {"ok": True}, 1, B),
        (200, {"code": True}, 1, B),
        (302, b"", 1, X),
        (401, b"<html>", 1, B),
        (404, b"", 1, B),
        (413, b"", 3, S),
        (413, b"", 1, X),
        (502, b"bad gateway", 1, A),
    ],
)
def test_an_answer_that_is_not_hec_is_read_by_status_but_never_as_delivered(
    status: int, body: Any, count: int, verdict: Verdict
) -> None:
    assert read(status, body, count).verdict is verdict


@pytest.mark.parametrize(
    ("status", "code", "first_bad", "per_item"),
    [
        (400, 6, 0, [X, A, A, A]),
        (400, 12, 2, [D, D, X, A]),
        (400, 15, 3, [D, D, D, X]),
        (503, 9, 2, [D, D, T, T]),
        (500, 8, 1, [D, A, A, A]),
    ],
)
def test_the_first_bad_event_divides_the_batch(status: int, code: int, first_bad: int, per_item: list[Verdict]) -> None:
    outcome = read(status, {"text": "", "code": code, "invalid-event-number": first_bad}, 4)
    assert outcome.verdict is Verdict.PARTIAL
    assert [item.verdict for item in outcome.items] == per_item


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.integers(100, 599), JSON, JSON | st.integers(-1, 30), JSON | st.integers(-1, 9), st.integers(0, 6))
def test_any_reply_gives_one_outcome_per_item_or_one_for_all(
    status: int, text: Any, code: Any, number: Any, length: int
) -> None:
    body = json.dumps({"text": text, "code": code, "invalid-event-number": number}).encode()
    outcome = read(status, body, length)
    assert len(outcome.items) == (length if outcome.verdict is Verdict.PARTIAL else 0)
    assert outcome.verdict is not D or 200 <= status < 300


@pytest.mark.parametrize("number", [None, -1, 4, 99, "2", 1.5, True])
def test_a_batch_refused_without_a_usable_number_is_halved_not_given_up(number: Any) -> None:
    assert read(400, {"code": 6, "invalid-event-number": number}, 4).verdict is S


def test_a_busy_collector_that_took_nothing_gets_everything_again_after_its_wait() -> None:
    outcome = read(503, {"code": 9, "invalid-event-number": 0}, 4, {"retry-after": "12"})
    assert (outcome.verdict, outcome.retry_after_s) == (T, 12)


def test_a_wrong_index_is_named_and_pauses_the_webhook_or_fails_the_events_as_configured() -> None:
    paused = read(400, {"code": 7, "text": "Incorrect index"}, index="secops")
    assert (paused.verdict, "'secops'" in paused.reason) == (B, True)
    rejected = read(400, {"code": 7, "invalid-event-number": 1}, 3, index="secops", on_wrong_index="reject")
    assert [item.verdict for item in rejected.items] == [D, X, A]


@pytest.mark.parametrize(("headers", "pause"), [({}, 1.0), ({"retry-after": "30"}, 30.0)])
@pytest.mark.parametrize("code", [24, 25])
def test_a_nearly_full_collector_took_the_events_and_gets_a_pause(
    code: int, headers: dict[str, str], pause: float
) -> None:
    outcome = read(200, {"text": "", "code": code}, 3, headers)
    assert (outcome.verdict, outcome.retry_after_s) == (D, pause)


def test_the_raw_endpoint_gets_the_stored_events_as_lines_and_the_rest_in_the_query() -> None:
    binding = bound(endpoint="raw", index="audit", source="relay point", host="h1")
    events = [sample_event(f"evt_{n}") for n in range(2)]
    request = SINK.build_request([SINK.format(event, binding) for event in events], binding)
    assert request.body == events[0].json + b"\n" + events[1].json
    assert request.url == (
        "https://splunk.example:8088/services/collector/raw"
        "?host=h1&source=relay+point&sourcetype=relaypoint%3Aaudit&index=audit"
    )


def test_a_compressed_request_holds_the_same_bytes_and_says_so() -> None:
    items = [SINK.format(sample_event(f"evt_{n}"), bound()) for n in range(5)]
    request = SINK.build_request(items, bound(gzip=True))
    assert gzip.decompress(request.body) == SINK.build_request(items, bound()).body
    assert ("content-encoding", "gzip") in request.headers
    assert request == SINK.build_request(items, bound(gzip=True))


def test_with_indexer_acknowledgement_on_success_is_taken_but_not_yet_confirmed() -> None:
    outcome = read(200, {"text": "Success", "code": 0, "ackId": 4})
    assert (outcome.verdict, "indexers" in outcome.reason) == (Verdict.ACCEPTED_UNCONFIRMED, True)
    busy = read(503, {"text": "", "code": 9, "ackId": 4})
    assert busy.verdict is not Verdict.ACCEPTED_UNCONFIRMED


def test_the_health_answer_is_good_for_a_probe() -> None:
    assert read(200, {"text": "HEC is healthy", "code": 17}, 0).verdict is D
    assert read(404, {"text": "HEC is healthy", "code": 17}, 0).verdict is B
    assert read(503, {"text": "HEC is unhealthy, queues are full", "code": 18}, 0).verdict is A


@pytest.mark.parametrize("token", ["", "two words", "line\r\nbreak: 1", "tökén"])
def test_a_token_that_cannot_stand_in_a_header_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SplunkSecrets(token=SecretStr(token))
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("config", [{"index": "Has Spaces"}, {"channel": "not-a-guid"}, {"max_bytes": 9}, {"x": 1}])
def test_wrong_settings_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplunkConfig(**config)
