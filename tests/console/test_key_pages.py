"""API keys over HTTP: what is shown once, what is asked of the sender, and what is said when it may not be."""

from __future__ import annotations

import re

import orjson
import pytest

from app.core.clock import SECOND, system_clock
from app.core.signing import Signer, parse_secret
from app.routing.keys import NewKey
from tests.console.site import Site
from tests.world import ADMIN, audit

SHOWN = re.compile(r'<pre id="made"[^>]*>(whsec_[^<]+)<')


def made_key(site: Site) -> tuple[str, str]:
    """The page of a key that may send, and the key."""
    made = site.services.keys.create(ADMIN, "acme", NewKey(name="EntryPoint", role="ingest"))
    return f"/o/acme/keys/{made['id']}", str(made["key"])


def send(site: Site, key: str, number: int, **headers: str) -> int:
    """The status of an event sent with a key; a signature is over this very body."""
    given = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    return int(site.app.test_client().post("/v1/events", data=body_of(number), headers=given).status_code)


def body_of(number: int) -> bytes:
    return orjson.dumps(audit(number))


def signed(secret: str, number: int) -> dict[str, str]:
    """The headers of Standard Webhooks for it."""
    now_s = system_clock() // SECOND
    signature = Signer([parse_secret(secret)]).sign("msg_1", now_s, body_of(number))
    return {"webhook-id": "msg_1", "webhook-timestamp": str(now_s), "webhook-signature": signature}


def test_a_key_is_shown_once_and_works_until_it_is_revoked(site: Site) -> None:
    assert "No key yet" in site.get("/o/acme/keys").text
    made = site.post("/o/acme/keys", name="EntryPoint HQ", role="ingest", context_id="c1")
    found = re.search(r"rp_[A-Za-z0-9_-]{20,}", made.text)
    assert found is not None
    assert made.headers["cache-control"] == "no-store"
    sent = site.app.test_client().get("/v1/events", headers={"authorization": f"Bearer {found[0]}"})
    assert sent.status_code == 403, "the key is known, and may not read"
    listed = site.get("/o/acme/keys").text
    assert found[0] not in listed
    assert "EntryPoint HQ" in listed
    revoke = re.search(r'action="(/o/acme/keys/[^"]+/revoke)"', listed)
    assert revoke is not None
    assert site.post(revoke[1]).headers["location"] == "/o/acme/keys?said=key-revoked"
    assert site.app.test_client().get("/v1/events", headers={"authorization": f"Bearer {found[0]}"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "f-name-wrong"),
        ({"role": "king"}, "f-role-wrong"),
        ({"expires_at": "2020-01-01T00:00"}, "Must be in the future."),
        ({"expires_at": "soon"}, "Write a time such as"),
        ({"context_id": "gone"}, "f-context-id-wrong"),
    ],
)
def test_a_key_that_cannot_be_is_refused_next_to_its_field(site: Site, change: dict[str, str], words: str) -> None:
    answer = site.post("/o/acme/keys", **({"name": "x", "role": "ingest"} | change))
    assert answer.status_code == 422
    assert words in answer.text
    assert "No key yet" in answer.text


def test_what_a_key_may_send_is_limited_and_shown_in_the_list(site: Site) -> None:
    page, _ = made_key(site)
    assert site.post(f"{page}/rate", rate_per_s="50").headers["location"] == f"{page}?said=terms"
    assert 'value="50"' in site.get(page).text
    assert "50 per second" in site.get("/o/acme/keys").text
    assert site.post(f"{page}/rate", rate_per_s="").status_code == 303
    assert "50 per second" not in site.get("/o/acme/keys").text


def test_a_secret_that_is_made_is_shown_once_and_asked_for(site: Site) -> None:
    page, key = made_key(site)
    answer = site.post(f"{page}/signature", scheme="standard_webhooks").text
    made = SHOWN.search(answer)
    assert made is not None
    assert made[1] not in site.get(page).text
    assert "signed" in site.get("/o/acme/keys").text
    assert send(site, key, 1) == 401
    assert send(site, key, 1, **signed(made[1], 1)) == 200
    again = SHOWN.search(site.post(f"{page}/signature", scheme="standard_webhooks", make_secret="on").text)
    assert again is not None
    assert again[1] != made[1]


def test_an_old_secret_counts_beside_a_new_one_until_it_is_taken_away(site: Site) -> None:
    page, _ = made_key(site)
    first, second = "the-first-secret-of-all", "the-second-secret-of-all"
    assert site.post(f"{page}/signature", scheme="github", secret=first).status_code == 303
    assert site.post(f"{page}/signature", scheme="github", secret=second, keep_secrets="on").status_code == 303
    assert "what is stored stays, 2 secrets" in site.get(page).text
    assert site.post(f"{page}/signature", scheme="github", header="x-ours", keep_secrets="on").status_code == 303
    shown = site.get(page).text
    assert "2 secrets" in shown
    assert 'value="x-ours"' in shown
    assert site.post(f"{page}/signature", scheme="github", secret=second).status_code == 303
    assert "one secret" in site.get(page).text
    assert first not in shown
    assert site.post(f"{page}/signature", scheme="").status_code == 303
    assert "is made and shown once" in site.get(page).text


@pytest.mark.parametrize(
    ("form", "values", "words"),
    [
        ("rate", {"rate_per_s": "many"}, "f-rate-per-s-wrong"),
        ("rate", {"rate_per_s": "0"}, "f-rate-per-s-wrong"),
        ("signature", {"scheme": "github", "secret": "short"}, "f-secret-wrong"),
        ("signature", {"scheme": "standard_webhooks", "secret": "without-its-prefix"}, "f-secret-wrong"),
        ("signature", {"scheme": "rot13"}, "f-scheme-wrong"),
        ("signature", {"scheme": "github", "header": "no header"}, "f-header-wrong"),
        ("name", {"name": ""}, "f-name-wrong"),
        ("name", {"name": "EntryPoint", "expires_at": "2020-01-01T00:00"}, "f-expires-at-wrong"),
    ],
)
def test_terms_that_cannot_be_are_refused_next_to_their_input(
    site: Site, form: str, values: dict[str, str], words: str
) -> None:
    page, _ = made_key(site)
    answer = site.post(f"{page}/{form}", **values)
    assert (answer.status_code, words in answer.text) == (422, True)
    stored = site.get(page).text
    assert 'value="EntryPoint"' in stored
    assert "is made and shown once" in stored


def test_a_key_gets_another_name_and_end(site: Site) -> None:
    page, _ = made_key(site)
    assert (
        site.post(f"{page}/name", name="HQ", expires_at="2099-01-01T12:00").headers["location"] == f"{page}?said=saved"
    )
    shown = site.get(page).text
    assert 'value="HQ"' in shown
    assert 'value="2099-01-01T12:00"' in shown


def test_an_editor_finds_no_page_of_a_key(site: Site) -> None:
    page, _ = made_key(site)
    site.sign_in("editor", "acme")
    assert site.get(page).status_code == 403
    assert site.post(f"{page}/rate", rate_per_s="1").status_code == 403
