"""Indexer acknowledgement as the sink sees it: the receipt, the question, and what the answer means."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sinks import Answer, Confirms, OnExpiry, Outcome, Receipt, Verdict
from tests.plugins.splunk_hec.test_splunk_hec import SINK, TOKEN, bound, read

CHANNEL = "69c2171d-4f09-5b6c-a514-3639bd0b40d4"
TAKEN = orjson.dumps({"text": "Success", "code": 0, "ackId": 7})
RECEIPTS = tuple(Receipt(str(number), CHANNEL) for number in range(3))


def answered(body: Any, status: int = 200, *, truncated: bool = False) -> frozenset[str] | Outcome:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return SINK.read_confirmation(Answer(status, {}, raw, truncated), RECEIPTS, bound())


def test_the_sink_confirms() -> None:
    assert isinstance(SINK, Confirms)


def test_the_receipt_is_the_number_on_the_channel_the_events_went_out_on() -> None:
    assert SINK.receipt(Answer(200, {}, TAKEN), bound()) == Receipt("7", CHANNEL)
    own = "0f0e0d0c-0b0a-4900-8807-060504030201"
    assert SINK.receipt(Answer(200, {}, TAKEN), bound(channel=own)) == Receipt("7", own)


@pytest.mark.parametrize("number", [None, -1, "7", True, 1.5, []])
def test_without_a_usable_number_success_is_success(number: Any) -> None:
    body = {"text": "Success", "code": 0, "ackId": number}
    assert read(200, body).verdict is Verdict.DELIVERED
    assert SINK.receipt(Answer(200, {}, orjson.dumps(body)), bound()) is None


@pytest.mark.parametrize("config", [{"acknowledgement": "ignore"}, {}])
def test_where_nobody_can_or_shall_be_asked_there_is_no_receipt_and_the_reason_says_so(config: dict[str, str]) -> None:
    binding = bound(**config) if config else bound("https://s.example/my/proxy")
    assert SINK.receipt(Answer(200, {}, TAKEN), binding) is None
    assert SINK.confirm_request(RECEIPTS, binding) is None
    assert "is not asked" in SINK.classify(Answer(200, {}, TAKEN), [], binding).reason
    assert "have not acknowledged" in SINK.classify(Answer(200, {}, TAKEN), [], bound()).reason


@pytest.mark.parametrize(
    ("endpoint", "asked"),
    [
        ("https://s.example:8088", "https://s.example:8088/services/collector/ack"),
        ("https://s.example/hec/services/collector/event?a=b", "https://s.example/hec/services/collector/ack"),
        ("https://s.example/services/collector/raw", "https://s.example/services/collector/ack"),
    ],
)
def test_the_question_goes_beside_the_events_and_holds_numbers(endpoint: str, asked: str) -> None:
    request = SINK.confirm_request(RECEIPTS, bound(endpoint, channel="0f0e0d0c-0b0a-4900-8807-060504030201"))
    assert request is not None
    assert (request.url, request.method, request.body) == (asked, "POST", b'{"acks":[0,1,2]}')
    assert dict(request.headers)["x-splunk-request-channel"] == CHANNEL, "the channel they were sent on"
    assert dict(request.headers)["authorization"] == f"Splunk {TOKEN}"
    assert request.secret_headers == {"authorization"}


@pytest.mark.parametrize(
    ("acks", "confirmed"),
    [
        ({"0": True, "1": False, "2": True}, {"0", "2"}),
        ({}, set()),
        ({"0": 1, "1": "true", "2": None}, set()),
        ({"0": True, "9": True}, {"0"}),
    ],
)
def test_only_true_confirms_and_only_what_was_asked(acks: dict[str, Any], confirmed: set[str]) -> None:
    assert answered({"acks": acks}) == confirmed


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    cut = answered(b'{"acks":{"0":tr', truncated=True)
    assert isinstance(cut, Outcome)
    assert cut.verdict is Verdict.RETRY


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.integers(300, 599), st.dictionaries(st.sampled_from(["0", "1", "9"]), JSON) | JSON)
def test_no_refusal_ever_confirms_whatever_it_holds(status: int, acks: Any) -> None:
    found = answered(json.dumps({"acks": acks}).encode(), status)
    assert isinstance(found, Outcome)
    assert found.verdict in {Verdict.RETRY, Verdict.THROTTLE, Verdict.SINK_BROKEN}
    patient = status >= 500 or status in {408, 409, 423, 425, 429}
    assert (found.verdict is not Verdict.SINK_BROKEN) == patient


@pytest.mark.parametrize(
    ("chosen", "on_expiry"),
    [
        ("resend", OnExpiry.RESEND),
        ("fail", OnExpiry.FAIL),
        ("unconfirmed", OnExpiry.UNCONFIRMED),
        ("ignore", OnExpiry.UNCONFIRMED),
    ],
)
def test_the_settings_say_how_to_wait(chosen: str, on_expiry: OnExpiry) -> None:
    wait = SINK.confirmation(bound(acknowledgement=chosen, ack_poll_s=20, ack_wait_s=600))
    assert (wait.poll_s, wait.expires_s, wait.on_expiry) == (20, 600, on_expiry)
    standard = SINK.confirmation(bound())
    assert (standard.poll_s, standard.expires_s, standard.on_expiry) == (10, 300, OnExpiry.RESEND)


def test_nothing_may_expire_before_it_is_asked_about() -> None:
    secrets = bound().secrets
    SINK.check_settings(bound(ack_poll_s=30, ack_wait_s=30).config, secrets)
    with pytest.raises(ValueError, match="ack_wait_s must be at least ack_poll_s"):
        SINK.check_settings(bound(ack_poll_s=31, ack_wait_s=30).config, secrets)
