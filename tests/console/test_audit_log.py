"""The audit log over HTTP: it shows what the filter asks for, says why nothing is there, and exports it."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import quote

import orjson
import pytest

from app.core.radius import AUTHENTICATION
from app.routing.change_windows import ChangeWindowInput
from app.security.scope import Scope
from tests.console.site import Site
from tests.world import audit


@pytest.fixture
def told(site: Site) -> Site:
    """Three events: one of a context, one that opens the RADIUS allow-list, one of the organization."""
    world = site.world
    world.send(audit(1, contextId="c1", description="Certificate swapped"))
    opened = {"field": "RADIUS client allow-list", "before": ["10.0.0.0/8"], "after": ["0.0.0.0/0"]}
    world.send(audit(2, contextId="c1", description="Allow-list opened", changes=[opened]))
    world.send(audit(3, description="=cmd|' /C calc'!A0"))
    return site


def test_an_empty_log_says_what_to_do(site: Site) -> None:
    assert "No event yet" in site.get("/o/acme/audit").text


def test_events_are_there_without_any_webhook(told: Site) -> None:
    page = told.get("/o/acme/audit").text
    assert page.index("calc") < page.index("Allow-list opened") < page.index("Certificate swapped")
    assert "calc" not in told.get("/o/acme/c/c1/audit").text


@pytest.mark.parametrize(
    ("actor", "found"),
    [
        ("system", 1),
        ("terraform-7", 1),
        ("API token", 1),
        ("api_token", 1),
        ("owner", 3),
        ("OWNER@EXAMPLE", 3),
        ("admin", 0),
    ],
)
def test_an_actor_is_found_by_what_the_row_calls_them(told: Site, actor: str, found: int) -> None:
    told.world.send(audit(4, actor={"type": "system"}))
    told.world.send(audit(5, actor={"type": "api_token", "id": "terraform-7"}))
    page = told.get(f"/o/acme/audit?actor={quote(actor)}").text
    assert page.count('data-label="Action"') == found


def test_an_organization_narrows_its_log_to_a_context_and_keeps_it(told: Site) -> None:
    page = told.get("/o/acme/audit?context=c1&action=update").text
    assert page.count('data-label="Action"') == 2
    assert re.search(r'<option value="c1" selected>', page)
    assert 'name="context"' not in told.get("/o/acme/c/c1/audit").text
    gone = told.get("/o/acme/audit?context=gone").text
    assert '<option value="gone" selected>gone</option>' in gone


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=Certificate", 1),
        ("q=nothing+of+this+kind", 0),
        ("sensitivity_min=5", 1),
        ("action=update", 3),
        ("action=delete", 0),
        ("window=outside", 3),
        ("window=inside", 0),
        ("since=2099-01-01T00:00", 0),
        ("until=2099-01-01T00:00", 3),
        ("context=c1", 2),
        ("actor=owner%40example.com&action=update", 3),
    ],
)
def test_the_filter_is_in_the_address(told: Site, query: str, found: int) -> None:
    page = told.get(f"/o/acme/audit?{query}").text
    assert page.count('data-label="Action"') == found
    assert ("Nothing matches" in page) is not found


@pytest.mark.parametrize("field", ['The "guest" network', "C:\\certs\\ca", "two\nlines", "Zürich"])
def test_a_changed_setting_leads_to_its_other_changes_whatever_its_name(site: Site, field: str) -> None:
    for number, name in enumerate((field, "another", field)):
        site.world.send(audit(number, changes=[{"field": name, "before": 1, "after": number}]))
    event = site.get("/o/acme/audit/event-2").text
    others = re.search(r'href="(/o/acme/audit\?q=[^"]+)"', event)
    assert others is not None
    assert site.get(others[1]).text.count('data-label="Action"') == 2


def test_a_time_that_is_none_is_said_next_to_its_field(told: Site) -> None:
    page = told.get("/o/acme/audit?since=yesterday").text
    assert "Write a time such as 2026-04-19T12:34." in page
    assert 'value="yesterday"' in page


def test_a_page_goes_on_to_older_events_with_the_filter_it_had(site: Site) -> None:
    site.world.send_numbers(*range(1, 61))
    first = site.get("/o/acme/audit?action=update").text
    assert first.count('data-label="Action"') == 50
    older = next(part for part in first.split('href="') if part.startswith("/o/acme/audit?action=update&amp;before="))
    rest = site.get(older.partition('"')[0].replace("&amp;", "&")).text
    assert rest.count('data-label="Action"') == 10
    assert "Newest" in rest


def test_radius_records_stand_apart_until_they_are_asked_for(told: Site) -> None:
    outcome = {"type": AUTHENTICATION, "organization_id": "acme", "context": {"id": "c1"}, "result": "Access-Reject"}
    told.world.send({"id": "outcome-1", "username": "kim", **outcome})
    for page in ("", "?q=kim", "?window=outside", "/export/csv", "/export/ndjson"):
        assert "for kim" not in told.get(f"/o/acme/audit{page}").text
    assert "for kim" not in told.get("/o/acme").text
    log = told.get("/o/acme/audit").text
    assert f'<option value="{AUTHENTICATION}">RADIUS outcomes' in log
    found = told.get(f"/o/acme/audit?event_type={AUTHENTICATION}").text
    assert "RADIUS authentication rejected for kim" in found
    assert "delivered to no webhook" in found
    assert f'<option value="{AUTHENTICATION}" selected>' in found
    assert "rejected for kim" in told.get(f"/o/acme/audit/export/csv?event_type={AUTHENTICATION}").text
    for event in ("/o/acme/audit/outcome-1", "/o/acme/c/c1/audit/outcome-1"):
        shown = told.get(event).text
        assert "Not rated" in shown
        assert "/o/acme/c/c1/groups" in shown
        assert "Before and after" not in shown


def test_an_event_shows_before_and_after_and_who_got_it(told: Site) -> None:
    hook = told.world.add_webhook("http://127.0.0.1:9/", context="c1")
    told.world.send(audit(4, contextId="c1", description="After the webhook came"))
    page = told.get("/o/acme/audit?q=After+the+webhook").text
    link = next(part for part in page.split('href="') if part.startswith("/o/acme/audit/event")).partition('"')[0]
    shown = told.get(link).text
    assert f"/webhooks/{hook.id}/deliveries/" in shown
    assert "matched when the event came" in shown
    changes = shown.partition('id="changes"')[2]
    assert 0 < changes.index("old<") < changes.index("new 4<")


def test_an_event_is_marked_as_outside_only_where_there_are_change_windows(told: Site) -> None:
    assert "Outside window" not in told.get("/o/acme/audit").text
    once = ChangeWindowInput(name="Once", starts_at="2020-01-01T00:00:00Z", ends_at="2020-01-01T01:00:00Z")
    told.services.change_windows.create(Scope("acme"), "acme", once)
    assert "Outside window" in told.get("/o/acme/audit").text


def test_a_context_that_told_no_name_is_known_by_its_id(site: Site) -> None:
    site.world.send(audit(1, contextId="nameless"), audit(2, contextId="nameless", eventId=AUTHENTICATION))
    for address in ("audit", f"audit?event_type={AUTHENTICATION}", f"audit/{audit(1)['id']}"):
        page = site.get(f"/o/acme/{address}").text
        assert "nameless" in page
        assert "None <" not in page


def test_a_foreign_event_is_not_there(told: Site) -> None:
    told.add_organization("other", "Other")
    event = told.get("/o/acme/audit").text.split('href="/o/acme/audit/')[1].partition('"')[0]
    told.sign_in("owner", "other")
    assert told.get(f"/o/other/audit/{event}").status_code == 404
    assert "Certificate" not in told.get("/o/other/audit").text


def test_the_export_has_what_the_filter_shows_and_no_formula(told: Site) -> None:
    answer = told.get("/o/acme/audit/export/csv")
    assert (answer.mimetype, answer.headers["x-content-type-options"]) == ("text/csv", "nosniff")
    assert 'filename="audit-log.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["description"] for row in rows] == ["'=cmd|' /C calc'!A0", "Allow-list opened", "Certificate swapped"]
    lines = told.get("/o/acme/audit/export/ndjson?context=c1").data.splitlines()
    assert [orjson.loads(line)["description"] for line in lines] == ["Allow-list opened", "Certificate swapped"]
    assert told.get("/o/acme/audit/export/pdf").status_code == 404
