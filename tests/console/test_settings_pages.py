"""The settings of an organization and of a context over HTTP."""

from __future__ import annotations

import time

import orjson
import pytest

from app.routing.event_history import EventFilter
from app.security.scope import Scope
from tests.console.site import Site

PAGE = "/o/acme/settings"


def test_an_organization_gets_another_name_and_time_zone(site: Site) -> None:
    answer = site.post(f"{PAGE}/organization", name="Acme Group", timezone="Europe/Stockholm")
    assert answer.headers["location"] == f"{PAGE}?said=settings"
    page = site.get(PAGE).text
    assert "Acme Group" in page
    assert 'value="Europe/Stockholm"' in page
    events, _ = site.services.events.page(Scope("acme"), EventFilter(), before=None, limit=5)
    changed = {one["field"]: one["after"] for one in events[0]["changes"]}
    assert changed == {"name": "Acme Group", "timezone": "Europe/Stockholm"}


def test_saving_what_is_there_already_changes_nothing(site: Site) -> None:
    site.post(f"{PAGE}/organization", name="Acme", timezone="UTC")
    before = site.services.events.page(Scope("acme"), EventFilter(), before=None, limit=5)
    site.post(f"{PAGE}/organization", name="Acme", timezone="UTC")
    assert site.services.events.page(Scope("acme"), EventFilter(), before=None, limit=5) == before


@pytest.mark.parametrize(
    ("form", "values", "words"),
    [
        ("organization", {"name": "", "timezone": "UTC"}, "f-name-wrong"),
        ("organization", {"name": "Acme", "timezone": "Mars/Olympus"}, "f-timezone-wrong"),
        ("context", {"service": "entrypoint", "context_name": ""}, "f-context-name-wrong"),
        ("context", {"service": "entrypoint", "context_name": "HQ", "context_id": "no id"}, "f-context-id-wrong"),
        ("context", {"service": "entrypoint", "context_name": "HQ", "context_id": "c1"}, "already"),
    ],
)
def test_what_cannot_be_is_refused_next_to_its_input(site: Site, form: str, values: dict[str, str], words: str) -> None:
    answer = site.post(f"{PAGE}/{form}", **values)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert site.services.places.organization(Scope("acme"), "acme")["timezone"] == "UTC"


def test_a_context_is_added_before_its_first_event(site: Site) -> None:
    answer = site.post(f"{PAGE}/context", service="ise", context_name="Lab", context_id="c7")
    assert answer.headers["location"] == "/o/acme/c/c7/settings?said=context"
    page = site.get("/o/acme/c/c7/settings").text
    assert "Lab" in page
    assert "Endpoint Manager" in page
    assert site.post("/o/acme/c/c7/settings/organization", name="Mine").status_code == 405


def test_an_editor_looks_and_changes_nothing(site: Site) -> None:
    site.sign_in("editor", "acme")
    assert "Save" not in site.get(PAGE).text
    assert site.post(f"{PAGE}/organization", name="Mine", timezone="UTC").status_code == 403


def test_a_new_name_stands_in_events_without_a_restart(site: Site) -> None:
    key = site.post("/o/acme/keys", name="EntryPoint", role="ingest").text.partition("rp_")[2].partition("<")[0]
    headers = {"authorization": f"Bearer rp_{key}", "content-type": "application/json"}

    def send(number: int) -> str:
        event = {"type": "entrypoint.configuration.audit", "id": f"e{number}", "context_id": "c1", "action": "update"}
        answer = site.app.test_client().post("/v1/events", data=orjson.dumps(event), headers=headers)
        stored = site.services.events.get(Scope("acme"), answer.json["ids"][0])
        return str(stored["organization"]["name"])

    before = send(1)
    site.post(f"{PAGE}/organization", name="Acme Group", timezone="UTC")
    time.sleep(1.1)
    assert (before == "Acme Group", send(2)) == (False, "Acme Group")
