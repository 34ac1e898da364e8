"""Cursors that we never gave away."""

from __future__ import annotations

import base64

import pytest
from flask import Flask

from tests.api.conftest import Caller

FORGED = [b"9" * 19, str(2**63).encode(), b"-1", b"", b"\0", "٣".encode(), b"\xed\xa0\x80", b"x" * 300]
LISTS = ["/v1/events", "/v1/webhooks"]


def test_the_highest_number_that_a_database_takes_is_a_cursor(app: Flask, platform: Caller) -> None:
    cursor = base64.urlsafe_b64encode(str(2**63 - 1).encode()).decode().rstrip("=")
    for path in LISTS:
        assert platform("GET", path, query_string={"cursor": cursor}).status_code == 200


@pytest.mark.parametrize("forged", FORGED, ids=repr)
def test_a_forged_cursor_is_refused_by_name_and_never_reaches_the_database(platform: Caller, forged: bytes) -> None:
    cursor = base64.urlsafe_b64encode(forged).decode().rstrip("=") or "="
    for path in LISTS:
        answer = platform("GET", path, query_string={"cursor": cursor})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")
