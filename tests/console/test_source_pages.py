"""Sources over HTTP: the secret is shown once, what came is counted, and only whoever may changes anything."""

from __future__ import annotations

import hashlib
import hmac
import re

import orjson
import pytest

from app.ingest.source_input import NewSource
from tests.console.site import Site
from tests.world import PLATFORM


def made_source(site: Site) -> tuple[str, str, str]:
    """A GitHub source: its page, its address, its secret."""
    page = site.post("/o/acme/sources", kind="github", name="Acme on GitHub").text
    address = re.search(r"http://localhost(/v1/sources/[^<]+/events)", page)
    secret = re.search(r'<pre id="made"[^>]*>([^<]+)<', page)
    link = re.search(r'href="(/o/acme/sources/[^"]+)"', page)
    assert address is not None
    assert secret is not None
    assert link is not None
    return link[1], address[1], secret[1]


def test_a_source_takes_what_is_signed_and_counts_what_is_not(site: Site) -> None:
    assert "No source yet" in site.get("/o/acme/sources").text
    link, address, secret = made_source(site)
    assert secret not in site.get("/o/acme/sources").text
    assert secret not in site.get(link).text
    body = orjson.dumps({"zen": "Keep it logically awesome.", "hook_id": 1})
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-github-event": "ping", "x-github-delivery": "d-1", "content-type": "application/json"}
    client = site.app.test_client()
    assert client.post(address, data=body, headers=headers | {"x-hub-signature-256": signature}).status_code == 200
    assert client.post(address, data=body, headers=headers | {"x-hub-signature-256": "sha256=00"}).status_code == 401
    site.services.source_tally.write()
    shown = site.get(link).text
    assert "Signature or secret missing or wrong" in shown
    assert "Greetings of the sender" in shown


def test_another_secret_is_shown_once_and_a_source_is_closed_and_removed(site: Site) -> None:
    link, _, secret = made_source(site)
    again = re.search(r'<pre id="made"[^>]*>([^<]+)<', site.post(f"{link}/secret").text)
    assert again is not None
    assert again[1] != secret
    assert site.post(f"{link}/switch").status_code == 303
    assert "Closed" in site.get("/o/acme/sources").text
    assert site.post(f"{link}/switch", enabled="on").status_code == 303
    assert ">Open<" in site.get("/o/acme/sources").text.replace("</svg>Open", ">Open")
    assert site.post(f"{link}/delete").status_code == 303
    assert site.get(link).status_code == 404


def test_what_cannot_be_a_source_is_refused_next_to_its_field(site: Site) -> None:
    answer = site.post("/o/acme/sources", kind="github", name="x")
    assert (answer.status_code, "f-name-wrong" in answer.text) == (422, True)
    assert site.post("/o/acme/sources", kind="nothing", name="Nothing").status_code == 422


def test_a_reader_sees_sources_and_makes_none(site: Site) -> None:
    link, _, _ = made_source(site)
    site.sign_in("viewer", "acme")
    assert "Create a source" not in site.get("/o/acme/sources").text
    assert "Rotate the secret" not in site.get(link).text
    assert site.post(f"{link}/secret").status_code == 403


def okta_source(site: Site) -> str:
    made = site.services.sources.create(PLATFORM, "acme", NewSource(kind="okta", name="Directory"))
    return f"/o/acme/sources/{made['id']}"


def test_the_settings_of_a_kind_are_a_form_drawn_from_its_plugin(site: Site) -> None:
    link = okta_source(site)
    shown = site.get(link).text
    assert "Nothing came yet" in shown
    assert 'value="authorization"' in shown
    assert "The secret itself in the authentication field" in shown
    answer = site.post(f"{link}/settings", **{"name": "People", "config.header": "x-shared"})
    assert answer.headers["location"] == f"{link}?said=terms"
    shown = site.get(link).text
    assert 'value="x-shared"' in shown
    assert 'value="People"' in shown


@pytest.mark.parametrize(
    ("form", "values", "words"),
    [
        ("settings", {"name": "x", "config.header": "x-shared"}, "f-name-wrong"),
        ("settings", {"name": "People", "config.header": "not a header"}, "f-config-header-wrong"),
        ("secret", {"secret": "short"}, "f-secret-wrong"),
        ("secret", {"overlap_s": "30d"}, "f-overlap-s-wrong"),
    ],
)
def test_what_a_source_cannot_be_is_refused_next_to_its_input(
    site: Site, form: str, values: dict[str, str], words: str
) -> None:
    link = okta_source(site)
    answer = site.post(f"{link}/{form}", **values)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert 'value="authorization"' in site.get(link).text


def test_a_secret_of_ones_own_counts_beside_the_one_before_for_as_long_as_was_said(site: Site) -> None:
    link = okta_source(site)
    rotated = site.post(f"{link}/secret", secret="the-secret-that-okta-made", overlap_s="1h").text
    assert "the-secret-that-okta-made" in rotated
    assert "The one before counts until" in rotated
    assert "Two secrets count." in site.get(link).text
    refused = site.post(f"{link}/secret", overlap_s="1h")
    assert (refused.status_code, "was rotated already" in refused.text) == (422, True)
    assert site.post(f"{link}/secret", overlap_s="1h", again="on").status_code == 200
    site.post(f"{link}/secret", overlap_s="0s")
    assert "Two secrets count." not in site.get(link).text
