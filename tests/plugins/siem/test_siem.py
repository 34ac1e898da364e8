"""The contract kit over formats and transports, framing over HTTPS, and the whole catalogue."""

from __future__ import annotations

import orjson
import pytest

from app.sinks import Answer, AnyBinding, Item, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.siem import SiemSink
from tests import catalogue
from tests.plugins.siem.rendering import FORMATS, HTTPS, SINK, TLS, bound, request

TARGETS = {
    "tls": TLS,
    "tcp": "syslog+tcp://siem.example:601",
    "udp": "syslog+udp://siem.example:514",
    "https": HTTPS,
}


class TestContract(SinkContract):
    """Every format over every transport."""

    @pytest.fixture
    def sink(self) -> Sink:
        return SiemSink()

    @pytest.fixture(params=[(fmt, target) for fmt in FORMATS for target in TARGETS], ids="-".join)
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        fmt, target = request.param
        return bound(TARGETS[target], format=fmt)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_action_is_sent_alone_and_in_a_batch_without_a_secret(fmt: str, target: str) -> None:
    events = list(catalogue.events().values())
    alone, batch = bound(TARGETS[target], format=fmt), bound(TARGETS[target], format=fmt, batch=True)
    packs = [[event] for event in events] + ([] if target == "udp" else [events])
    for pack in packs:
        body = request(pack, batch if len(pack) > 1 else alone).body
        assert not catalogue.planted_in(body)
        assert all(event.id.encode() in body for event in pack)


@pytest.mark.parametrize(
    ("fmt", "batch", "framing", "content_type", "beginning", "end"),
    [
        ("json", False, "auto", "application/json", b'{"id":"evt_0"', b"}"),
        ("json", True, "auto", "application/json", b'[{"id":"evt_0"', b"}]"),
        ("json", False, "array", "application/json", b'[{"id":"evt_0"', b"}]"),
        ("json", True, "lines", "application/x-ndjson", b'{"id":"evt_0"', b"}\n"),
        ("ndjson", False, "auto", "application/x-ndjson", b'{"id":"evt_0"', b"}\n"),
        ("ecs", True, "auto", "application/json", b'[{"@timestamp"', b"}]"),
        ("ocsf", False, "auto", "application/json", b'{"activity_id"', b"}"),
        ("cef", False, "auto", "text/plain; charset=utf-8", b"CEF:0|", b"\n"),
        ("leef", True, "auto", "text/plain; charset=utf-8", b"LEEF:2.0|", b"\n"),
    ],
)
def test_https_framing(fmt: str, batch: bool, framing: str, content_type: str, beginning: bytes, end: bytes) -> None:  # noqa: FBT001 - a parameter of the test
    binding = bound(HTTPS, batch=batch, format=fmt, http_framing=framing)
    count = min(2, SINK.limits(binding).max_events) if batch else 1
    made = request([sample_event(f"evt_{n}") for n in range(count)], binding)
    assert made.headers == (("content-type", content_type),)
    assert made.body.startswith(beginning)
    assert made.body.endswith(end)
    if made.body.startswith(b"["):
        assert len(orjson.loads(made.body)) == count


def test_the_content_type_can_be_chosen() -> None:
    made = request([sample_event("evt_1")], bound(HTTPS, format="ndjson", content_type="application/json"))
    assert made.headers == (("content-type", "application/json"),)


def test_canonical_json_over_https_is_the_stored_bytes() -> None:
    event = sample_event("evt_1")
    assert request([event], bound(HTTPS, format="json")).body is event.json


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, Verdict.DELIVERED) for status in (200, 201, 202, 204)],
        *[(status, Verdict.SINK_BROKEN) for status in (401, 403, 404, 410)],
        *[(status, Verdict.REJECT) for status in (301, 400, 422)],
        *[(status, Verdict.RETRY) for status in (408, 500, 504)],
        *[(status, Verdict.THROTTLE) for status in (429, 503)],
        (413, Verdict.SPLIT),
    ],
)
def test_an_http_status_means(status: int, verdict: Verdict) -> None:
    items = [Item("a", b"{}"), Item("b", b"{}")]
    assert SINK.classify(Answer(status, {}, b""), items, bound(HTTPS)).verdict is verdict
