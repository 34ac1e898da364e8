"""Reading the answers of token endpoints."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.sinks import Answer, Outcome, Token, Verdict, client_credentials_request, read_token_answer

BROKEN, RETRY, THROTTLE = Verdict.SINK_BROKEN, Verdict.RETRY, Verdict.THROTTLE


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body if isinstance(body, bytes) else orjson.dumps(body))


@pytest.mark.parametrize(
    ("body", "lifetime"),
    [
        ({"access_token": "a", "expires_in": 3599, "token_type": "Bearer"}, 3599.0),
        ({"access_token": "a"}, 300.0),
        ({"access_token": "a", "expires_in": "soon"}, 300.0),
        ({"access_token": "a", "expires_in": -1}, 300.0),
        ({"access_token": "a", "expires_in": 10**9}, 86400.0),
    ],
)
def test_a_token_lives_as_long_as_the_answer_says_within_a_day(body: Any, lifetime: float) -> None:
    assert read_token_answer(answer(200, body)) == Token(SecretStr("a"), lifetime)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"<html>sign in</html>", BROKEN),
        (200, {"access_token": ""}, BROKEN),
        (200, {"access_token": "two words"}, BROKEN),
        (200, {"access_token": "x" * 5000}, BROKEN),
        (200, {"access_token": "a\r\nx: y"}, BROKEN),
        (400, {"error": "invalid_client"}, BROKEN),
        (401, {"error": "s3cret echoed"}, BROKEN),
        (302, b"", BROKEN),
        (413, b"", BROKEN),
        (429, b"", THROTTLE),
        (500, b"", RETRY),
        (503, b"", THROTTLE),
    ],
)
def test_an_answer_without_a_token_means(status: int, body: Any, verdict: Verdict) -> None:
    outcome = read_token_answer(answer(status, body, {"retry-after": "9"}))
    assert isinstance(outcome, Outcome)
    assert outcome.verdict is verdict
    assert outcome.reason
    assert "s3cret" not in outcome.reason
    assert ("invalid_client" in outcome.reason) == (status == 400)
    assert outcome.retry_after_s == (9 if verdict in {RETRY, THROTTLE} else None)


@given(st.integers(100, 599), st.binary(max_size=50))
def test_any_junk_gives_a_token_or_an_outcome(status: int, body: bytes) -> None:
    assert isinstance(read_token_answer(answer(status, body)), Token | Outcome)


def test_the_request_for_a_token_leaves_an_empty_scope_out() -> None:
    request = client_credentials_request("https://l.example/t", "id", SecretStr("s"), "")
    assert request.body == b"grant_type=client_credentials&client_id=id&client_secret=s"
