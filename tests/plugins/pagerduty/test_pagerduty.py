from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from app.sinks import Answer, AnyBinding, Binding, Item, OutboundRequest, Outcome, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.pagerduty import PagerDutyConfig, PagerDutySecrets, PagerDutySink
from plugins.pagerduty.payload import Kind
from tests.catalogue import event, events, planted_in
from tests.golden import same_as_golden

SINK = PagerDutySink()
KEY = "0123456789abcdef0123456789abcdef"
GOLDEN = Path(__file__).parent / "golden"
D, X, A, B, T = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN, Verdict.THROTTLE
ACCEPTED = b'{"message":"Change event processed","status":"success"}'


def bound(url: str = "https://events.pagerduty.com", *, batch: bool = False, **config: Any) -> AnyBinding:
    config = {"console_url": "https://relaypoint.example"} | config
    secrets = PagerDutySecrets(routing_key=SecretStr(KEY))
    return Binding("wh_1", "Pager", "607551", url, PagerDutyConfig(**config), secrets, batch=batch)


def request_for(name: str, **config: Any) -> OutboundRequest:
    binding = bound(**config)
    return SINK.build_request([SINK.format(event(name), binding)], binding)


@pytest.fixture(params=list(Kind))
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


class TestPagerDutyContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=list(Kind))
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(kind=request.param)


def check(body: dict[str, Any], kind: Kind) -> None:
    """What the API's description requires."""
    assert body["routing_key"] == KEY
    payload = body["payload"]
    assert 0 < len(payload["summary"]) <= 1024
    assert payload["source"]
    assert all(link["href"].startswith("https://") for link in body.get("links", []))
    if kind is Kind.ALERT:
        assert (body["event_action"], payload["severity"] in {"critical", "error", "warning", "info"}) == (
            "trigger",
            True,
        )
        assert 0 < len(body["dedup_key"]) <= 255
    else:
        assert not {"event_action", "dedup_key"} & set(body)


@pytest.mark.parametrize("name", list(events()))
def test_every_change_of_the_catalogue_has_what_the_api_requires_and_no_secret(name: str, kind: Kind) -> None:
    request = request_for(name, kind=kind)
    check(orjson.loads(request.body), kind)
    assert not planted_in(request.body)


@pytest.mark.parametrize("odd", list(odd_events()))
def test_an_odd_event_has_what_the_api_requires(odd: str, kind: Kind) -> None:
    binding = bound(kind=kind)
    request = SINK.build_request([SINK.format(odd_events()[odd], binding)], binding)
    check(orjson.loads(request.body), kind)
    assert len(request.body) <= 512 * 1024


def test_an_event_is_what_the_golden_file_shows(kind: Kind) -> None:
    body = orjson.loads(request_for("webhook.url.update", kind=kind).body)
    same_as_golden(GOLDEN / f"{kind}.json", body)


def test_history_does_not_show_the_key_though_the_body_has_it() -> None:
    request = request_for("org.mfa.disable")
    assert KEY.encode() in request.body
    assert KEY.encode() not in request.shown_body
    assert orjson.loads(request.shown_body)["routing_key"] == "***"
    assert KEY not in repr(request).replace(repr(request.body), "")


@pytest.mark.parametrize(
    ("kind", "url", "sent_to"),
    [
        (Kind.CHANGE, "https://events.pagerduty.com", "https://events.pagerduty.com/v2/change/enqueue"),
        (Kind.ALERT, "https://events.eu.pagerduty.com/", "https://events.eu.pagerduty.com/v2/enqueue"),
        (Kind.CHANGE, "https://proxy.example/pd", "https://proxy.example/pd"),
    ],
)
def test_the_path_follows_the_kind_unless_the_address_has_its_own(kind: Kind, url: str, sent_to: str) -> None:
    binding = bound(url, kind=kind)
    assert SINK.build_request([SINK.format(sample_event(), binding)], binding).url == sent_to


def test_a_repeated_alert_is_the_same_alert() -> None:
    bodies = [orjson.loads(request_for("org.mfa.disable", kind=Kind.ALERT).body) for _ in range(2)]
    assert bodies[0]["dedup_key"] == bodies[1]["dedup_key"] == event("org.mfa.disable").id


def test_a_batch_is_sent_one_by_one() -> None:
    assert SINK.limits(bound(batch=True)).max_events == 1


def test_a_summary_is_far_below_what_pagerduty_takes_however_long_the_texts() -> None:
    long = {"field": "f", "path": None, "before": "b" * 900, "after": "a" * 900, "secret": False}
    event_of_length = sample_event(
        description="d" * 900, actor={"email": "e" * 900}, context={"name": "c" * 900}, changes=[long]
    )
    summary = orjson.loads(SINK.format(event_of_length, bound()).body)["payload"]["summary"]
    assert 400 < len(summary) <= 1024


def read(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Outcome:
    return SINK.classify(Answer(status, headers or {}, body), [Item("evt_1", b"{}")], bound())


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, ACCEPTED, D),
        (200, b'{"status":"success","dedup_key":"x"}', D),
        (200, b"<html>sign in</html>", B),
        (202, b"", B),
        (400, b'{"status":"invalid event","errors":["summary is missing"]}', X),
        (400, b'{"status":"invalid event","message":"Invalid routing key"}', B),
        (400, b'{"errors":["\'routing_key\' is invalid"]}', B),
        (401, b"", B),
        (403, b"", B),
        (404, b"", B),
        (413, b"", X),
        (429, b"", T),
        (500, b"", A),
        (302, b"", B),
        (503, b"", T),
    ],
)
def test_an_answer_means(status: int, body: bytes, verdict: Verdict) -> None:
    assert read(status, body).verdict is verdict


def test_a_throttle_without_a_number_waits_a_few_minutes() -> None:
    assert read(429).retry_after_s == 180
    assert read(429, headers={"retry-after": "9"}).retry_after_s == 9
