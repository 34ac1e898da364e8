"""From nothing to a first event: organization, key, waiting; and the overview that shows it."""

from __future__ import annotations

import re
import subprocess
from html import unescape

import orjson
import pytest

from app.console.flow import MOST_ROWS, Side, flow_picture
from app.core.clock import system_clock
from app.core.radius import AUTHENTICATION
from app.security.api_keys import authenticate
from app.security.permissions import Role
from tests.console.site import Site
from tests.world import PLATFORM, audit


def test_an_organization_is_created_and_leads_on_to_connecting(site: Site) -> None:
    empty = site.get("/organizations/new").text
    assert "Create organization" in empty
    assert "<option>Europe/Stockholm</option>" in empty
    answer = site.post("/organizations/new", name="Globex", id="globex", timezone="Europe/Stockholm")
    assert answer.headers["location"] == "/o/globex/connect?said=organization"
    assert "Connect your service next" in site.get(answer.headers["location"]).text
    assert site.post("/organizations/new", name="Globex", id="globex").status_code == 422
    wrong = site.post("/organizations/new", name="Mars", timezone="Mars/Olympus")
    assert (wrong.status_code, "f-timezone-wrong" in wrong.text) == (422, True)


def test_whoever_starts_in_the_only_organization_finds_the_way_to_all_of_them(site: Site) -> None:
    start = site.get("/")
    assert start.headers["location"] == "/o/acme"
    for page in ("/o/acme", "/ops/health"):
        assert 'href="/?all=yes"' in site.get(page).text
    chooser = site.get("/?all=yes")
    assert chooser.status_code == 200
    assert 'href="/organizations/new"' in chooser.text
    assert 'href="/ops/health"' in chooser.text
    assert re.search(r'href="/\?all=yes" aria-current="page"', chooser.text)


def test_only_the_platforms_owners_create_organizations(site: Site) -> None:
    site.sign_in("owner", "acme")
    assert site.get("/organizations/new").status_code == 403
    assert site.post("/organizations/new", name="Globex").status_code == 403


def test_the_key_that_was_made_sends_the_first_event_and_the_page_notices(site: Site) -> None:
    made = site.post("/o/acme/connect", name="EntryPoint").text
    key = re.search(r"Bearer (rp_[\w-]+)", made)
    waiting = re.search(r'data-from="([^"]+)" data-region="always"', made)
    assert key is not None
    assert waiting is not None
    assert "http://localhost/v1/events" in made
    assert "Nothing came yet" in site.get(waiting[1]).text
    with site.services.store.write() as connection:
        principal = authenticate(connection, key[1], system_clock())
    assert principal is not None
    assert (principal.role, principal.organization_id) == (Role.INGEST, "acme")
    site.world.send(audit(2, contextId="c1", description="First of all"))
    page = site.get(waiting[1]).text
    assert "The first event is here" in page
    assert "data-region" not in page


def test_a_radius_record_proves_the_connection_and_the_page_waits_on_for_a_change(site: Site) -> None:
    since = system_clock()
    waiting = f"/o/acme/connect/waiting?since={since}"
    site.world.send(audit(1, eventId=AUTHENTICATION, contextId="c1"))
    page = site.get(waiting).text
    assert "The service is connected" in page
    assert 'data-region="always"' in page
    assert "The service is connected" not in site.get(f"/o/acme/connect/waiting?since={system_clock()}").text
    site.world.send(audit(2, contextId="c1"))
    assert "The first event is here" in site.get(waiting).text


def test_the_command_for_a_terminal_sends_another_event_each_time(site: Site) -> None:
    page = site.post("/o/acme/connect", name="EntryPoint").text
    shown = re.search(r'id="curl"[^>]*>(curl [^<]+)<', page)
    assert shown is not None
    script = 'curl() { eval "printf %s \\"\\${$#}\\""; }\ndate() { echo $1$NOW; }\n' + unescape(shown[1])
    for now in ("2026-04-19T12:34:56Z", "2026-04-19T12:34:57Z"):
        body = subprocess.run(["/bin/sh", "-c", script], env={"NOW": now}, capture_output=True, check=True).stdout
        assert orjson.loads(body)["timestamp"] == f"-u{now}"


def test_the_overview_says_what_to_do_while_nothing_flows(site: Site) -> None:
    page = site.get("/o/acme").text
    assert "Nothing flows yet" in page
    assert 'href="/o/acme/connect"' in page
    assert site.get("/o/acme/c/c1").status_code == 200


def test_the_overview_shows_figures_troubles_and_the_latest_changes(site: Site) -> None:
    hook = site.world.add_webhook("http://127.0.0.1:9/")
    site.world.webhooks.pause(PLATFORM, hook.id)
    site.world.send(audit(1, contextId="c1", description="Certificate swapped"))
    page = site.get("/o/acme").text
    assert "Certificate swapped" in page
    assert "Needs attention" in page
    assert 'aria-label="Events of the last 24 hours. From HQ: 1' in page


def test_contexts_count_events_and_radius(site: Site) -> None:
    site.world.send(audit(1, contextId="c1"))
    page = site.get("/o/acme/contexts").text
    assert re.search(r'data-label="Events in 24 h" class="number">1<', page)
    assert "No device yet" in site.get("/o/acme/c/c1/groups").text
    assert site.get("/o/acme/c/c1/devices?group=staff").status_code == 200


def test_contexts_count_their_webhooks_and_those_they_inherit(site: Site) -> None:
    kept, gone = (site.world.add_webhook("http://127.0.0.1:9/", context="c1") for _ in range(2))
    site.world.add_webhook("http://127.0.0.1:9/")
    site.services.webhooks.delete(PLATFORM, gone.id)
    page = site.get("/o/acme/contexts").text
    assert re.search(r'href="/o/acme/c/c1/webhooks">1</a><br><small>1 inherited<', page)
    assert kept.id in site.get("/o/acme/c/c1/webhooks").text


@pytest.mark.parametrize("number", [0, 1, MOST_ROWS, MOST_ROWS + 1, 200])
def test_a_flow_has_a_box_for_each_or_one_for_all_the_others(number: int) -> None:
    flow = flow_picture([Side(f"c{one}", one, 0, "") for one in range(number)], [Side("hook", number, 0, "")])
    assert len(flow.left) == min(number, MOST_ROWS)
    assert sum(side.number for side in flow.left) == sum(range(number))
    for drawing in flow.drawings:
        assert len(drawing.boxes) == len(drawing.lines) == len(flow.left) + 1
        assert all(box.y >= 0 and box.y + box.height <= drawing.height for box in drawing.boxes)
        assert all(box.x >= 0 and box.x + box.width <= drawing.shape.width for box in drawing.boxes)
