"""Addresses that are nobody's, asked for by a browser and by a program."""

from __future__ import annotations

import pytest

from app.console.door.headers import PAGE_HEADERS
from tests.console.site import Site

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/acount", 404, "There is no page at this address"),
        ("/ops/nothing", 404, "There is no page at this address"),
        ("/theme", 405, "Open the page that has the form"),
    ],
)
def test_a_browser_gets_a_page_with_all_its_headers(site: Site, path: str, status: int, words: str) -> None:
    answer = site.get(path, accept=BROWSER)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert words.lower() in answer.text.lower()
    assert {name: answer.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS


@pytest.mark.parametrize(("path", "accept"), [("/acount", "*/*"), ("/acount", "application/json"), ("/v1/x", BROWSER)])
def test_a_program_gets_a_problem_document(site: Site, path: str, accept: str) -> None:
    answer = site.get(path, accept=accept)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_form_that_is_too_large_is_told_how_large_one_may_be(site: Site) -> None:
    answer = site.post("/o/acme/webhooks/new", type="instant", name="x" * 1_100_000)
    assert answer.status_code == 413
    assert "1024 KiB" in answer.text
