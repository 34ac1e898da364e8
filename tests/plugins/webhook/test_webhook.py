import orjson
import pytest

from app.sinks import Answer, AnyBinding, Binding, Event, Item, NoSecrets, Sink, Verdict
from app.sinks.contract import SinkContract
from app.sinks.samples import sample_event
from plugins.webhook import WebhookConfig, WebhookSink
from plugins.webhook.shapes import BodyShape

SINK = WebhookSink()


def bound(shape: str = "auto", *, batch: bool = False) -> AnyBinding:
    config = WebhookConfig(body_shape=BodyShape(shape))
    return Binding("wh_1", "To us", "607551", "https://hooks.example/in?k=v", config, NoSecrets(), batch=batch)


class TestWebhookContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=list(BodyShape))
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(request.param)


def test_one_event_in_object_shape_is_sent_as_the_very_same_bytes_unparsed() -> None:
    stored = b'{"not even": parsed'
    event = Event("evt_1", "t", stored)
    item = SINK.format(event, bound())
    request = SINK.build_request([item], bound())
    assert request.body is stored
    assert SINK.limits(bound()).max_events == 1


@pytest.mark.parametrize(
    ("shape", "mode", "content_type", "body"),
    [
        ("auto", "instant", "application/json", b'{"n":0}'),
        ("auto", "batch", "application/json", b'[{"n":0},{"n":1}]'),
        ("object", "batch", "application/json", b'{"n":0}'),
        ("array", "instant", "application/json", b'[{"n":0},{"n":1}]'),
        ("ndjson", "instant", "application/x-ndjson", b'{"n":0}\n{"n":1}\n'),
        ("ndjson", "batch", "application/x-ndjson", b'{"n":0}\n{"n":1}\n'),
    ],
)
def test_each_shape_has_its_framing_and_content_type(shape: str, mode: str, content_type: str, body: bytes) -> None:
    binding = bound(shape, batch=mode == "batch")
    items = [Item(f"evt_{n}", b'{"n":%d}' % n) for n in range(2)][: SINK.limits(binding).max_events]
    request = SINK.build_request(items, binding)
    assert request.body == body
    assert request.headers == (("content-type", content_type),)
    assert (request.method, request.url) == ("POST", "https://hooks.example/in?k=v")


def test_a_cloudevent_carries_the_required_attributes_and_the_stored_bytes_as_data() -> None:
    event = sample_event("evt_1", entity={"type": "ip allowlist", "id": "a/1", "name": "x"})
    binding = bound("cloudevents")
    request = SINK.build_request([SINK.format(event, binding)], binding)
    cloudevent = orjson.loads(request.body)
    assert request.body.endswith(b',"data":' + event.json + b"}")
    assert cloudevent.pop("data") == event.data
    assert cloudevent == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/organizations/607551/contexts/ctx_9",
        "type": "entrypoint.configuration.audit",
        "datacontenttype": "application/json",
        "time": "2026-04-19T02:34:56.118Z",
        "subject": "ip%20allowlist/a%2F1",
    }
    assert request.headers == (("content-type", "application/cloudevents+json"),)


def test_cloudevents_in_batch_mode_are_an_array_with_the_batch_content_type() -> None:
    binding = bound("cloudevents", batch=True)
    items = [SINK.format(sample_event(f"evt_{n}"), binding) for n in range(3)]
    request = SINK.build_request(items, binding)
    assert [one["id"] for one in orjson.loads(request.body)] == ["evt_0", "evt_1", "evt_2"]
    assert request.headers == (("content-type", "application/cloudevents-batch+json"),)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, Verdict.DELIVERED) for status in (200, 201, 202, 204, 226)],
        *[(status, Verdict.REJECT) for status in (301, 302, 304, 307, 308)],
        *[(status, Verdict.REJECT) for status in (400, 402, 405, 406, 415, 422, 451)],
        *[(status, Verdict.RETRY) for status in (401, 403, 404, 408, 409, 423, 425, 500, 501, 502, 503, 504, 599)],
        (410, Verdict.SINK_BROKEN),
        (413, Verdict.REJECT),
        (429, Verdict.THROTTLE),
    ],
)
def test_a_status_means(status: int, verdict: Verdict) -> None:
    outcome = SINK.classify(Answer(status, {}, b""), [Item("evt_1", b"{}")], bound())
    assert outcome.verdict is verdict
    assert outcome.disable == (status == 410)


def test_too_large_splits_while_there_is_more_than_one_event() -> None:
    outcome = SINK.classify(Answer(413, {}, b""), [Item("a", b""), Item("b", b"")], bound())
    assert outcome.verdict is Verdict.SPLIT


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_passed_on(status: int) -> None:
    outcome = SINK.classify(Answer(status, {"retry-after": "90"}, b""), [Item("a", b"")], bound())
    assert outcome.retry_after_s == 90


def test_a_redirect_is_named_without_its_location() -> None:
    outcome = SINK.classify(
        Answer(302, {"location": "https://x.example/?token=s3cret"}, b""), [Item("a", b"")], bound()
    )
    assert outcome.reason == "the receiver answered 302: redirect not followed"
