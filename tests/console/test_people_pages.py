"""Members and API keys over HTTP: what is shown once, who may, and what is said when it may not be."""

from __future__ import annotations

import re

import pytest

from tests.console.site import Site


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
    ],
)
def test_a_key_that_cannot_be_is_refused_next_to_its_field(site: Site, change: dict[str, str], words: str) -> None:
    answer = site.post("/o/acme/keys", **({"name": "x", "role": "ingest"} | change))
    assert answer.status_code == 422
    assert words in answer.text
    assert "No key yet" in answer.text


def test_somebody_is_invited_with_a_link_that_opens_the_door(site: Site) -> None:
    answer = site.post("/o/acme/members", email="new@example.com", role="viewer")
    link = re.search(r"http://localhost(/join\?link=[\w-]+)", answer.text)
    assert link is not None
    assert "new@example.com" in site.app.test_client().get(link[1]).text
    page = site.get("/o/acme/members").text
    assert "Invited" in page
    assert link[1] not in page
    again = site.post("/o/acme/members", email="new@example.com", role="viewer")
    assert (again.status_code, "This was not saved." in again.text) == (422, True)
    change = re.search(r'action="(/o/acme/members/[^"/]+)/role"', page)
    assert change is not None
    assert site.post(f"{change[1]}/role", role="editor").status_code == 303
    renewed = site.post(f"{change[1]}/link")
    assert "/join?link=" in renewed.text
    assert link[1] not in renewed.text
    assert site.post(f"{change[1]}/remove").status_code == 303
    assert "new@example.com" not in site.get("/o/acme/members").text


def test_an_editor_sees_neither_members_nor_keys(site: Site) -> None:
    site.sign_in("editor", "acme")
    assert "API keys" not in site.get("/o/acme/webhooks").text
    assert site.get("/o/acme/keys").status_code == 403
    assert site.post("/o/acme/keys", name="mine", role="admin").status_code == 403
    assert site.post("/o/acme/members", email="me@example.com", role="owner").status_code == 403
