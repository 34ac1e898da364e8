import resource

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.body import MAX_DEPTH, BadElement, Element, UnsupportedContentTypeError, split_body
from app.core.errors import InvalidInputError

JSON = "application/json"
NDJSON = "application/x-ndjson"
ONE = {"eventId": "a.b", "n": 1}
TWO = {"eventId": "a.b", "n": 2}
CE = {"specversion": "1.0", "id": "1", "source": "/s", "type": "a.b"}


def data_of(body: object, content_type: str = JSON) -> list[object]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return [part.data if isinstance(part, Element) else part.type for part in split_body(raw, content_type, {})]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (ONE, JSON, [ONE]),
        (ONE, "", [ONE]),
        (ONE, "application/vnd.x+json; charset=UTF-8", [ONE]),
        ([ONE], JSON, [ONE]),
        ([], JSON, []),
        ([ONE, TWO], JSON, [ONE, TWO]),
        ({"events": [ONE, TWO]}, JSON, [ONE, TWO]),
        ({"data": {"events": [ONE]}, "eventType": "hook"}, JSON, [ONE]),
        ({"topic": "audits", "events": [{"id": "1"}]}, JSON, [{"id": "1", "topic": "audits"}]),
        ([CE, CE], "application/cloudevents-batch+json", [CE, CE]),
        ({**CE, "data": ONE}, "application/cloudevents+json", [{**CE, "data": ONE}]),
        ({**CE, "data": [ONE, TWO]}, JSON, [{**ONE, "topic": "a.b"}, {**TWO, "topic": "a.b"}]),
        (b'{"a":1}\n\n{"a":2}\r\n', NDJSON, [{"a": 1}, {"a": 2}]),
        (b'{"a":1}\n{"a":2}', JSON, [{"a": 1}, {"a": 2}]),
        (b'{"a":1}', NDJSON, [{"a": 1}]),
        (b'{\n "a":\n 1\n}', NDJSON, [{"a": 1}]),
        (b"\xef\xbb\xbf[]", JSON, []),
        ([ONE, 5, None, "x", TWO], JSON, [ONE, "not_an_object", "not_an_object", "not_an_object", TWO]),
        (b'{"a":1}\nrubbish\n{"a":2}', NDJSON, [{"a": 1}, "malformed", {"a": 2}]),
        (b'{"a":1}\n{"a":"\xff"}\n', NDJSON, [{"a": 1}, "malformed"]),
        (b'[{"a":1}, {bad, [1}], "x,]"}, {"a":"]},"}]', JSON, [{"a": 1}, "malformed", "malformed", {"a": "]},"}]),
        (b'[{"a":1}] {"a":2}', JSON, [{"a": 1}, {"a": 2}]),
        (b'[{"a":1}, {"a":1,}, {"a":"]},"}]', JSON, [{"a": 1}, "malformed", {"a": "]},"}]),
        (b'[{"a":1}, {"a":"\xff"}]', JSON, [{"a": 1}, "malformed"]),
        (b'[{"a":1}, {"a":', JSON, [{"a": 1}, "malformed"]),
        (b'{"topic":"x","events": [{"a":1}, {nope}, {"a":2}]}', JSON, [{"a": 1}, "malformed", {"a": 2}]),
    ],
)
def test_every_envelope(body: object, content_type: str, expected: list[object]) -> None:
    assert data_of(body, content_type) == expected


@pytest.mark.parametrize("body", [b"", b"  ", b"nonsense", b"5", b"null", b'"x"', b"\xff\xfe", b"[{bad}]", b'{"a":'])
def test_a_body_with_nothing_in_it_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        split_body(body, JSON, {})


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/cloudevents+avro", "application/json; charset=utf-16", "rubbish"],
)
def test_other_content_types_are_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedContentTypeError):
        split_body(b"{}", content_type, {})


def test_a_cloudevents_batch_must_be_an_array() -> None:
    with pytest.raises(InvalidInputError):
        split_body(orjson.dumps(CE), "application/cloudevents-batch+json", {})


def test_binary_cloudevents_carry_their_attributes_in_headers() -> None:
    headers = {"CE-SpecVersion": "1.0", "Ce-Id": "1", "ce-source": "/a%20b", "ce-type": "a.b"}
    (part,) = split_body(b'{"x":1}', JSON, headers)
    assert isinstance(part, Element)
    assert part.data == {"specversion": "1.0", "id": "1", "source": "/a b", "type": "a.b", "data": {"x": 1}}


def test_the_webhook_id_header_serves_single_events_only() -> None:
    headers = {"Webhook-Id": "msg_1"}
    (single,) = split_body(orjson.dumps([ONE]), JSON, headers)
    assert isinstance(single, Element)
    assert single.header_id == "msg_1"
    several = split_body(orjson.dumps([ONE, TWO]), JSON, headers)
    assert [part.header_id for part in several if isinstance(part, Element)] == [None, None]


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_depth_and_size_are_bounded_per_element() -> None:
    bodies = [nested(MAX_DEPTH), nested(MAX_DEPTH + 1), nested(600), b'{"a":"' + b"x" * 300_000 + b'"}']
    assert data_of(b"[" + b",".join(bodies) + b"]")[1:] == ["too_deep", "too_deep", "too_large"]
    assert isinstance(data_of(nested(MAX_DEPTH))[0], dict)


@pytest.mark.parametrize("piece", [b"{},", b"1,", b"[],", b'"a",', b"{}\n", b"1\n"])
def test_a_body_that_would_fill_the_memory_is_refused_before_it_is_parsed(piece: bytes) -> None:
    whole = piece * (64 * 1024 * 1024 // len(piece))
    kind = "application/x-ndjson" if piece.endswith(b"\n") else "application/json"
    body = whole if piece.endswith(b"\n") else b"[" + whole + b"0]"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInputError, match="smaller parts"):
        split_body(body, kind, {})
    # Copies of the body itself are all that may be made, in KiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * 64 * 1024


def test_the_number_of_events_in_one_body_is_bounded() -> None:
    assert len(split_body(b"[" + b"1," * 99_999 + b"1]", "application/json", {})) == 100_000
    with pytest.raises(InvalidInputError, match="100000 events"):
        split_body(b"[" + b"1," * 100_000 + b"1]", "application/json", {})


def test_20_000_events_in_one_array_stay_in_order() -> None:
    parts = split_body(orjson.dumps([{"n": number} for number in range(20_000)]), JSON, {})
    assert [part.data["n"] for part in parts if isinstance(part, Element)] == list(range(20_000))
    assert [part.index for part in parts] == list(range(20_000))


@given(
    st.binary(max_size=80) | st.text(alphabet='[]{},:"\\ea1\n', max_size=60).map(str.encode),
    st.sampled_from([JSON, NDJSON]),
)
def test_any_bytes_give_elements_or_invalid_input(body: bytes, content_type: str) -> None:
    try:
        parts = split_body(body, content_type, {})
    except InvalidInputError:
        return
    assert all(isinstance(part, Element | BadElement) for part in parts)
    assert [part.index for part in parts] == list(range(len(parts)))
