"""Members over HTTP: what is shown once, who may, and what is said when it may not be."""

from __future__ import annotations

import re

from tests.console.site import Site


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


def test_an_invitation_to_a_context_that_is_not_there_is_refused_next_to_its_field(site: Site) -> None:
    answer = site.post("/o/acme/members", email="new@example.com", role="viewer", context_id="gone")
    assert answer.status_code == 422
    assert "There is no such context any more; choose another place." in answer.text
    assert "f-context-id-wrong" in answer.text
    assert 'value="new@example.com"' in answer.text
    assert '<option value="gone" selected>' in answer.text, "not the whole organization, which nobody chose"
    assert "Invited" not in site.get("/o/acme/members").text


def test_an_editor_sees_neither_members_nor_keys(site: Site) -> None:
    site.sign_in("editor", "acme")
    assert "API keys" not in site.get("/o/acme/webhooks").text
    assert site.get("/o/acme/keys").status_code == 403
    assert site.post("/o/acme/keys", name="mine", role="admin").status_code == 403
    assert site.post("/o/acme/members", email="me@example.com", role="owner").status_code == 403


def test_an_owner_of_one_context_invites_into_it_and_nowhere_else(site: Site) -> None:
    site.add_context("acme", "c2", "Factory")
    site.post("/o/acme/members", email="everywhere@example.com", role="owner")
    site.post("/o/acme/members", email="factory@example.com", role="editor", context_id="c2")
    assert "Nobody but the whole organization" in site.get("/o/acme/c/c1/members").text
    site.sign_in("owner", "acme", "c1")
    answer = site.post("/o/acme/c/c1/members", email="new@example.com", role="editor", context_id="c2")
    assert re.search(r"http://localhost/join\?link=[\w-]+", answer.text) is not None
    page = site.get("/o/acme/c/c1/members").text
    assert "new@example.com" in page
    assert "everywhere@example.com" not in page
    assert "factory@example.com" not in page
    assert "Members of Acme" not in page
    change = re.search(r'action="(/o/acme/c/c1/members/[^"/]+)/role"', page)
    assert change is not None
    assert site.post(f"{change[1]}/role", role="viewer").headers["location"] == "/o/acme/c/c1/members?said=saved"
    site.sign_in("owner", "acme")
    assert "new@example.com" in site.get("/o/acme/c/c1/members").text
    assert "Members of Acme" in site.get("/o/acme/c/c1/members").text
    assert "factory@example.com" in site.get("/o/acme/c/c2/members").text


def test_a_member_of_another_context_cannot_be_changed_from_here(site: Site) -> None:
    site.add_context("acme", "c2", "Factory")
    site.post("/o/acme/members", email="factory@example.com", role="editor", context_id="c2")
    there = re.search(r'action="/o/acme/c/c2/members/([^"/]+)/role"', site.get("/o/acme/c/c2/members").text)
    assert there is not None
    site.sign_in("owner", "acme", "c1")
    for act in ("role", "link", "remove"):
        assert site.post(f"/o/acme/c/c1/members/{there[1]}/{act}", role="viewer").status_code == 404
