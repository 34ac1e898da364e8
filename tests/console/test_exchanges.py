"""Bytes as text: what a page shows of a request."""

from __future__ import annotations

import gzip

import pytest

from app.console.exchanges import SHOWN, Exchange, shown_exchange
from app.delivery.history import SentRequest


def sent(body: bytes, *headers: tuple[str, str]) -> Exchange:
    return shown_exchange(SentRequest("POST", "https://siem.example/", headers, body), None)


def test_a_body_that_was_sent_compressed_is_shown_unpacked_with_the_size_it_was_sent_in() -> None:
    packed = gzip.compress(b'{"code": 1}')
    shown = sent(packed, ("Content-Encoding", "gzip")).request_body
    assert shown.text == '{\n  "code": 1\n}'
    assert shown.size == len(packed)
    assert shown.note == "Sent compressed with gzip, shown unpacked."


def test_of_a_body_that_unpacks_to_more_than_fits_only_the_beginning_is_unpacked() -> None:
    shown = sent(gzip.compress(b"0" * 10 * SHOWN), ("content-encoding", "gzip")).request_body
    assert shown.text == "0" * SHOWN
    assert "Its first 65,536 bytes follow." in shown.note


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"{}")[:-4]])
def test_a_body_that_is_not_what_its_header_says_is_shown_nevertheless(body: bytes) -> None:
    assert sent(body, ("content-encoding", "gzip")).request_body.text


def test_json_is_laid_out_unless_it_is_asked_for_as_it_was_sent() -> None:
    request = SentRequest("POST", "https://siem.example/", (), b'{"b":1.50,\n"a":[]}')
    assert shown_exchange(request, None).request_body.text == '{\n  "b": 1.5,\n  "a": []\n}'
    raw = shown_exchange(request, None, raw=True).request_body
    assert raw.text == '{"b":1.50,\n"a":[]}'
    assert raw.is_json
    packed = SentRequest("POST", "https://siem.example/", (("content-encoding", "gzip"),), gzip.compress(request.body))
    assert shown_exchange(packed, None, raw=True).request_body.text == raw.text


@pytest.mark.parametrize("body", [b"not json", b"", bytes(range(128, 256))])
def test_what_is_no_json_has_one_look(body: bytes) -> None:
    request = SentRequest("POST", "https://siem.example/", (), body)
    assert not shown_exchange(request, None).request_body.is_json
    assert shown_exchange(request, None, raw=True).request_body == shown_exchange(request, None).request_body
