from __future__ import annotations

import re

import pytest

from app.console.door.same_site import form_token
from tests.console.site import Site
from tests.world import audit


def test_whoever_is_not_signed_in_is_led_to_the_door_and_back(site: Site) -> None:
    site.session = ""
    answer = site.get("/o/acme/webhooks?after=3")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fo%2Facme%2Fwebhooks%3Fafter%3D3"


def test_a_place_without_a_role_is_not_there(site: Site) -> None:
    site.add_organization("other", "Other")
    site.sign_in(organization="acme")
    assert site.get("/o/acme/webhooks").status_code == 200
    assert site.get("/o/other/webhooks").status_code == 404
    assert site.get("/o/nowhere/webhooks").status_code == 404


def test_a_role_in_one_context_opens_that_context_only(site: Site) -> None:
    site.add_context("acme", "c2", "Elsewhere")
    site.sign_in(organization="acme", context="c1")
    assert site.get("/o/acme/c/c1/webhooks").status_code == 200
    assert site.get("/o/acme/c/c2/webhooks").status_code == 404
    assert site.get("/o/acme/webhooks").status_code == 404
    assert "Elsewhere" not in site.get("/o/acme/c/c1/webhooks").text


def test_one_place_needs_no_choice(site: Site) -> None:
    assert site.get("/").headers["location"] == "/o/acme"
    site.add_organization("other", "Other")
    assert "Acme" in site.get("/").text


def test_a_reader_is_shown_no_way_to_write_and_refused_one(site: Site) -> None:
    site.sign_in("viewer")
    assert "Create Webhook" not in site.get("/o/acme/webhooks").text
    assert site.get("/o/acme/webhooks/new").status_code == 403
    assert site.post("/o/acme/webhooks/new", type="instant", name="Splunk").status_code == 403


def test_a_form_without_this_sessions_token_changes_nothing(site: Site) -> None:
    answer = site.post("/o/acme/webhooks/new", type="instant", name="Splunk", csrf_token="another")
    assert answer.status_code == 403
    assert "load the page again" in answer.text
    assert "Splunk" not in site.get("/o/acme/webhooks").text


def test_a_page_that_did_not_change_is_not_sent_again(site: Site) -> None:
    first = site.get("/o/acme/webhooks")
    again = site.get("/o/acme/webhooks", **{"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("/o/acme/webhooks/wh_1/test", "/o/acme/webhooks/wh_1"),
        ("/o/acme/c/c1/webhooks/wh_1/secret/reveal", "/o/acme/c/c1/webhooks/wh_1"),
        ("/o/acme/webhooks/wh_1/save/retry", "/o/acme/webhooks/wh_1"),
        ("/o/acme/settings/organization", "/o/acme/settings"),
        ("/o/acme/members/mem_%20/role", "/o/acme/members"),
    ],
)
def test_the_address_of_a_form_leads_to_its_page(site: Site, form: str, page: str) -> None:
    answer = site.get(form)
    assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_a_look_is_chosen_without_losing_a_filter(site: Site) -> None:
    page = site.get("/o/acme/audit?action=update&q=a+b").text
    back = re.search(r'name="back" value="([^"]+)"', page)
    assert back is not None
    wanted = back[1].replace("&amp;", "&")
    assert site.post("/theme", theme="dark", back=wanted).headers["location"] == "/o/acme/audit?action=update&q=a+b"


def test_a_look_is_remembered_and_leads_nowhere_else(site: Site) -> None:
    client, token = site.client(), {"csrf_token": form_token(site.session)}
    answer = client.post("/theme", data={"theme": "dark", "back": "/o/acme/webhooks", **token})
    assert answer.headers["location"] == "/o/acme/webhooks"
    assert 'data-theme="dark"' in client.get("/o/acme/webhooks").text
    assert client.post("/theme", data={"back": "//evil.example", **token}).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/o/acme/nothing", "/o/acme/webhooks/wh_nothing"])
def test_what_is_not_there_is_said_as_a_page_below_a_place_and_as_a_problem_below_the_api(
    site: Site, path: str
) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert site.get("/v1/nothing").mimetype == "application/problem+json"


def test_no_page_shows_anything_to_somebody_who_is_not_signed_in(site: Site) -> None:
    site.session = ""
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint.startswith("console.GET"):
            answer = site.get(re.sub(r"<\w+>", "acme", rule.rule))
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), rule.rule
        elif rule.endpoint.startswith("console.POST"):
            assert site.client().post(re.sub(r"<\w+>", "acme", rule.rule)).status_code == 403, rule.rule


def test_a_link_of_a_message_leads_to_the_event_where_its_reader_has_a_role(site: Site) -> None:
    site.world.send(audit(1, contextId="c1"))
    assert site.get("/events/event-1").headers["location"] == "/o/acme/audit/event-1"
    site.sign_in("viewer", "acme", "c1")
    assert site.get("/events/event-1").headers["location"] == "/o/acme/c/c1/audit/event-1"
    site.add_organization("other", "Other")
    site.sign_in("viewer", "other")
    assert site.get("/events/event-1").status_code == 404
