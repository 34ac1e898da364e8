import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.receiver_tally import Tally, event_ids, expected_ids
from app.core.signing import Reason, Signer

NOW = 1_776_602_096
KEYS = (b"a" * 32, b"b" * 32)


def signed(key: bytes, message_id: str, body: bytes) -> dict[str, str]:
    signature = Signer([key]).sign(message_id, NOW, body)
    return {"webhook-id": message_id, "webhook-timestamp": str(NOW), "webhook-signature": signature}


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"id":"e1","type":"t"}', ["e1"]),
        (b'[{"id":"e1"},{"id":"e2"}]', ["e1", "e2"]),
        (b'{"id":"e1"}\n{"id":"e2"}\n', ["e1", "e2"]),
        (b'{"event":{"id":"e1"},"time":1}\n{"event":{"id":"e2"}}', ["e1", "e2"]),
        (b'{"id":7}', []),
        (b'["e1"]', []),
        (b"", []),
        (b"\xff not json", []),
        (b"null", []),
    ],
)
def test_event_ids_are_read_from_every_body_shape(body: bytes, ids: list[str]) -> None:
    assert event_ids(body) == ids


@given(st.binary())
def test_no_body_breaks_the_receiver(body: bytes) -> None:
    assert Tally().take("/", {}, body, NOW).duplicate is False


def test_the_same_delivery_twice_is_one_distinct_and_one_duplicate() -> None:
    tally = Tally()
    for _ in range(2):
        seen = tally.take("/hook", {"webhook-id": "d1"}, b'{"id":"e1"}', NOW)
    assert seen.duplicate
    summary = tally.summary()
    assert (summary["requests"], summary["distinct"], summary["duplicates"]) == (2, 1, 1)
    assert (summary["events_distinct"], summary["events_duplicates"]) == (1, 1)


def test_one_event_through_two_webhooks_is_no_duplicate() -> None:
    tally = Tally(KEYS)
    body = b'{"id":"e1"}'
    for key in KEYS:
        assert tally.take("/hook", signed(key, "d1", body), body, NOW).reason is Reason.OK
    summary = tally.summary()
    assert (summary["distinct"], summary["duplicates"], summary["events_distinct"]) == (2, 0, 1)
    assert summary["events_duplicates"] == 0


def test_a_forged_request_counts_as_invalid_and_brings_no_event() -> None:
    tally = Tally(KEYS, expected=["e1"])
    seen = tally.take("/hook", signed(b"c" * 32, "d1", b'{"id":"e1"}'), b'{"id":"e1"}', NOW)
    assert (seen.genuine, seen.reason) == (False, Reason.NO_MATCH)
    summary = tally.summary()
    assert (summary["invalid_signatures"], summary["distinct"], summary["missing"]) == (1, 0, ["e1"])


def test_a_refused_request_and_its_retry_are_no_duplicate() -> None:
    tally = Tally()
    tally.refuse()
    tally.take("/hook", {"webhook-id": "d1"}, b"{}", NOW)
    summary = tally.summary()
    assert (summary["requests"], summary["refused"], summary["distinct"], summary["duplicates"]) == (2, 1, 1, 0)


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)))
def test_missing_is_what_was_expected_and_never_came(expected: set[int], sent: set[int]) -> None:
    tally = Tally(expected=[f"e{number}" for number in expected])
    tally.take("/", {}, orjson.dumps([{"id": f"e{number}"} for number in sent]), NOW)
    assert tally.summary()["missing"] == sorted(f"e{number}" for number in expected - sent)


def test_expected_ids_come_from_plain_lines_events_and_answers_of_the_api() -> None:
    text = b'e1\n\n {"id":"e2"}\n{"accepted":2,"ids":["e3","e4"]}\n["e5",{"id":"e6"}]\n'
    assert expected_ids(text) == {"e1", "e2", "e3", "e4", "e5", "e6"}
