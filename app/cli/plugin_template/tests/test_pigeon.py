"""The sink keeps every promise that Relaypoint relies on, and sends what the receiver documents."""

from __future__ import annotations

import orjson
import pytest
from pydantic import SecretStr
from relaypoint_sink_pigeon import PigeonConfig, PigeonSecrets, PigeonSink

from app.sinks import Answer, AnyBinding, Binding, Item, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.kit import run_checks
from app.sinks.samples import sample_event

SINK = PigeonSink()


def bound(*, batch: bool = False) -> AnyBinding:
    secrets = PigeonSecrets(api_key=SecretStr("an-api-key-of-nobody"))
    return Binding("wh_1", "Pigeon", "acme", "https://api.example.com", PigeonConfig(), secrets, batch=batch)


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture
    def binding(self) -> AnyBinding:
        return bound()


def test_the_golden_requests_and_answers_are_as_they_were() -> None:
    assert [result.name for result in run_checks(SINK) if not result.passed] == []


def test_a_batch_is_one_array() -> None:
    items = [SINK.format(sample_event(f"evt_{number}"), bound()) for number in range(3)]
    request = SINK.build_request(items, bound(batch=True))
    assert [told["id"] for told in orjson.loads(request.body)] == ["evt_0", "evt_1", "evt_2"]
    assert request.url == "https://api.example.com/v1/events"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"status":"taken"}', Verdict.DELIVERED),
        (200, b"<html>sign in</html>", Verdict.SINK_BROKEN),
        (403, b"", Verdict.SINK_BROKEN),
        (422, b"", Verdict.REJECT),
    ],
)
def test_an_answer_means(status: int, body: bytes, verdict: Verdict) -> None:
    assert SINK.classify(Answer(status, {}, body), [Item("evt_1", b"{}")], bound()).verdict is verdict
