from typing import Any

import orjson
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from app.sinks import Answer, AnyBinding, Binding, Event, Item, Outcome, Sink, Verdict, gunzip_body
from app.sinks.contract import SinkContract
from app.sinks.samples import odd_events, sample_event
from plugins.otlp import OtlpConfig, OtlpSecrets, OtlpSink
from plugins.otlp.protobuf import rejected_records, varint
from tests.catalogue import events, planted_in

SINK = OtlpSink()
D, X, A, B = Verdict.DELIVERED, Verdict.REJECT, Verdict.RETRY, Verdict.SINK_BROKEN
ENCODINGS = ["protobuf", "json"]


def bound(encoding: str = "protobuf", **config: Any) -> AnyBinding:
    settings = OtlpConfig.model_validate({"gzip": False, "encoding": encoding} | config)
    secrets = OtlpSecrets.model_validate({"bearer_token": "t0ken"})
    return Binding("wh_1", "OTLP", "607551", "https://collector.example:4318", settings, secrets, batch=True)


def exported(batch: list[Event], binding: AnyBinding) -> ExportLogsServiceRequest:
    """Our bytes as the official library reads them."""
    body = SINK.build_request([SINK.format(event, binding) for event in batch], binding).body
    assert planted_in(body) == []
    read = ExportLogsServiceRequest()
    if binding.config.encoding == "json":
        Parse(body, read)
    else:
        read.ParseFromString(body)
        assert len(read.SerializeToString()) == len(body), "nothing of ours is unknown to the library"
    return read


def read_answer(answer: Answer, count: int = 3) -> Outcome:
    return SINK.classify(answer, [Item(f"evt_{n}", b"") for n in range(count)], bound())


class TestOtlpContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return SINK

    @pytest.fixture(params=ENCODINGS)
    def binding(self, request: pytest.FixtureRequest) -> AnyBinding:
        return bound(request.param)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("body", ["text", "event"])
def test_the_official_library_reads_back_what_we_wrote(encoding: str, body: str) -> None:
    batch = list(events().values())
    (resource,) = exported(batch, bound(encoding, body=body)).resource_logs
    (attribute,) = resource.resource.attributes
    assert (attribute.key, attribute.value.string_value) == ("service.name", "relaypoint")
    (scope,) = resource.scope_logs
    assert scope.scope.name == "relaypoint"
    assert len(scope.log_records) == len(batch)
    for record, event in zip(scope.log_records, batch, strict=True):
        shown = {one.key: one.value for one in record.attributes}
        assert shown["relaypoint.event.id"].string_value == event.id
        assert shown["relaypoint.sensitivity"].int_value == event.data["sensitivity"]
        assert shown["relaypoint.outside_change_window"].bool_value == event.data["outside_change_window"]
        assert [one.string_value for one in shown["relaypoint.tags"].array_value.values] == event.data["tags"]
        assert record.event_name == event.type
        assert record.severity_number == (13 if event.data["sensitivity"] >= 4 else 9)
        wanted = event.json.decode() if body == "event" else event.data["description"]
        assert record.body.string_value == wanted


@pytest.mark.parametrize("kind", list(odd_events()))
def test_both_forms_say_the_same_whatever_the_event_holds(kind: str) -> None:
    event = odd_events()[kind]
    assert exported([event], bound("protobuf")) == exported([event], bound("json"))


def test_times_are_nanoseconds() -> None:
    (record,) = exported([sample_event()], bound()).resource_logs[0].scope_logs[0].log_records
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (1776566096118000000, 1776566097002000000)


def test_the_library_refuses_a_spoiled_body() -> None:
    body = SINK.build_request([SINK.format(sample_event(), bound())], bound()).body
    with pytest.raises(DecodeError):
        ExportLogsServiceRequest().ParseFromString(body[:-3])


def test_the_request_goes_to_the_logs_path_with_its_token() -> None:
    request = SINK.build_request([], bound())
    assert request.url == "https://collector.example:4318/v1/logs"
    assert request.headers == (("content-type", "application/x-protobuf"), ("authorization", "Bearer t0ken"))
    packed = SINK.build_request([], bound(gzip=True))
    assert gunzip_body(packed.body) == request.body


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, D) for status in (200, 201, 202, 204)],
        *[(status, A) for status in (502, 504)],
        *[(status, Verdict.THROTTLE) for status in (429, 503)],
        (413, Verdict.SPLIT),
        *[(status, X) for status in (400, 408, 409, 415, 422, 500, 501)],
        (301, Verdict.REJECT),
        *[(status, B) for status in (401, 403, 404, 405, 410)],
    ],
)
def test_a_status_means(status: int, verdict: Verdict) -> None:
    outcome = read_answer(Answer(status, {"retry-after": "5"}, b""))
    assert outcome.verdict is verdict
    assert outcome.retry_after_s == (5 if verdict in {A, Verdict.THROTTLE} else None)


def partial(rejected: int) -> ExportLogsServiceResponse:
    response = ExportLogsServiceResponse()
    response.partial_success.rejected_log_records = rejected
    response.partial_success.error_message = "too old"
    return response


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("rejected", "verdict"), [(0, D), (1, Verdict.ACCEPTED_UNCONFIRMED), (3, Verdict.PARTIAL), (4, Verdict.PARTIAL)]
)
def test_a_partial_success_is_counted_and_never_sent_again(encoding: str, rejected: int, verdict: Verdict) -> None:
    if encoding == "json":
        document = {"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": "too old"}}
        answer = Answer(200, {"content-type": "application/json; charset=utf-8"}, orjson.dumps(document))
    else:
        body = partial(rejected).SerializeToString()
        answer = Answer(200, {"content-type": "application/x-protobuf"}, body)
    outcome = read_answer(answer)
    assert outcome.verdict is verdict
    assert "too old" not in outcome.reason
    assert {one.verdict for one in outcome.items} == ({X} if verdict is Verdict.PARTIAL else set())


def test_a_sign_in_page_is_never_success() -> None:
    assert read_answer(Answer(200, {"content-type": "text/html"}, b"<html>")).verdict is B


@given(st.binary(max_size=60), st.sampled_from(["", "application/json", "application/x-protobuf"]))
def test_any_body_of_an_answer_is_read(body: bytes, content_type: str) -> None:
    assert read_answer(Answer(200, {"content-type": content_type}, body)).verdict in Verdict


@given(st.integers(0, 2**63 - 1), st.text(max_size=20))
def test_our_reader_agrees_with_the_library(rejected: int, message: str) -> None:
    response = partial(rejected)
    response.partial_success.error_message = message
    assert rejected_records(response.SerializeToString()) == rejected


@given(st.integers(0, 2**64 - 1))
def test_a_number_is_written_seven_bits_at_a_time(number: int) -> None:
    written = varint(number)
    assert sum((byte & 127) << (7 * place) for place, byte in enumerate(written)) == number
    assert [byte >> 7 for byte in written] == [1] * (len(written) - 1) + [0]
