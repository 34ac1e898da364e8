"""The headers themselves, written out: other tests compare answers with the table, this one says what is in it."""

from __future__ import annotations

from flask import Flask

from app.api.front import SECURITY_HEADERS
from app.console.door.headers import PAGE_HEADERS
from tests.api.conftest import Caller

OF_THE_API = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def test_the_api_says_exactly_this_whatever_it_answers(app: Flask, platform: Caller) -> None:
    assert SECURITY_HEADERS == OF_THE_API
    answers = (
        platform("GET", "/v1/organizations"),
        platform("POST", "/v1/events", data=b"nothing"),
        platform("GET", "/v1/nothing"),
        app.test_client().get("/v1/webhooks"),
    )
    assert [answer.status_code for answer in answers] == [200, 400, 404, 401]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in OF_THE_API} == OF_THE_API


def test_a_page_may_load_and_run_what_is_ours_and_nothing_else() -> None:
    policy = dict(part.strip().split(" ", 1) for part in PAGE_HEADERS["content-security-policy"].split(";"))
    assert set(policy.values()) == {"'none'", "'self'"}
    assert {name for name, whom in policy.items() if whom == "'none'"} == {"default-src", "base-uri", "frame-ancestors"}
    assert {"script-src", "style-src", "img-src", "connect-src", "form-action"} <= policy.keys()
    assert PAGE_HEADERS["x-content-type-options"] == "nosniff"
    assert PAGE_HEADERS["referrer-policy"] == "no-referrer"
    assert PAGE_HEADERS["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in PAGE_HEADERS["permissions-policy"]
