"""Importing change windows over HTTP: a look at the file first, then the windows."""

from __future__ import annotations

import io
from typing import Any

import pytest

from app.console.door.same_site import form_token
from app.routing.window_import import MAX_TEXT
from app.security.scope import Scope
from tests.console.site import Site

PAGE = "/o/acme/change-windows/import"
ALERTMANAGER = """
time_intervals:
  - name: Nights
    time_intervals: [{weekdays: [tuesday], times: [{start_time: 01:00, end_time: 04:00}]}]
  - name: Weekends
    time_intervals: [{weekdays: [saturday, sunday]}]
"""


def calendar(*events: tuple[str, ...]) -> str:
    told = [line for event in events for line in ("BEGIN:VEVENT", *event, "END:VEVENT")]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *told, "END:VCALENDAR"])


def event(name: str, *lines: str) -> tuple[str, ...]:
    return (f"UID:{name}", f"SUMMARY:{name}", *lines)


ONCE = ("DTSTART:20990123T200000Z", "DURATION:PT3H")


def stored(site: Site) -> list[dict[str, Any]]:
    return site.services.change_windows.all(Scope("acme"), "acme")


def test_a_file_shows_what_it_holds_and_is_stored_only_then(site: Site) -> None:
    assert "Show what it holds" in site.get(PAGE).text
    shown = site.post(PAGE, text=calendar(event("CHG1", *ONCE), event("CHG2", *ONCE)), kind="freeze").text
    assert "2 windows in this file" in shown
    assert "23 Jan, 20:00" in shown
    assert "Store all 2" in shown
    assert stored(site) == []
    text = calendar(event("CHG1", *ONCE), event("CHG2", *ONCE))
    answer = site.post(f"{PAGE}/store", text=text, kind="freeze")
    assert answer.headers["location"] == "/o/acme/change-windows?said=imported"
    assert {(one["name"], one["kind"]) for one in stored(site)} == {("CHG1", "freeze"), ("CHG2", "freeze")}
    assert "In place of the one of this name" in site.post(PAGE, text=text, kind="allow").text


def test_a_file_of_alertmanager_is_known_by_its_beginning(site: Site) -> None:
    assert "Weekends" in site.post(PAGE, text=ALERTMANAGER, kind="allow").text
    assert site.post(f"{PAGE}/store", text=ALERTMANAGER, kind="allow").status_code == 303
    assert {one["name"] for one in stored(site)} == {"Nights", "Weekends"}


def test_a_chosen_file_counts_more_than_what_was_pasted(site: Site) -> None:
    def choose(raw: bytes) -> Any:
        form = {"csrf_token": form_token(site.session), "text": "", "kind": "allow"}
        return site.client().post(PAGE, data=form | {"file": (io.BytesIO(raw), "team.ics")})

    assert "CHG1" in choose(calendar(event("CHG1", *ONCE)).encode()).text
    assert "f-file-wrong" in choose(b"\xff\xfe\x00").text


def test_every_entry_that_cannot_be_is_named_and_nothing_can_be_stored(site: Site) -> None:
    text = calendar(
        event("Good", *ONCE),
        event("Endless", "DTSTART:20990123T200000Z"),
        event("Good", *ONCE),
        event("Backwards", "DTSTART:20990123T200000Z", "DTEND:20990123T190000Z"),
    )
    shown = site.post(PAGE, text=text, kind="allow").text
    assert "<b>Event 2</b> “Endless”: Has neither an end nor a duration." in shown
    assert "<b>Event 3</b> “Good”" in shown
    assert "<b>Event 4</b> “Backwards”" in shown
    assert "import/store" not in shown
    refused = site.post(f"{PAGE}/store", text=text, kind="allow")
    assert (refused.status_code, "f-text-wrong" in refused.text) == (422, True)
    assert stored(site) == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": ""}, "Choose a file, or paste one."),
        ({"text": "BEGIN:VCALENDAR"}, "Not readable as an iCalendar file."),
        ({"text": "time_intervals: []"}, "The file holds no change window."),
        ({"text": "x" * (MAX_TEXT + 1)}, "f-text-wrong"),
        ({"text": ALERTMANAGER, "kind": "maybe"}, "f-kind-wrong"),
    ],
)
def test_what_is_no_file_is_said_next_to_its_input(site: Site, form: dict[str, str], words: str) -> None:
    for page in (PAGE, f"{PAGE}/store"):
        answer = site.post(page, **({"kind": "allow"} | form))
        assert (answer.status_code, words in answer.text) == (422, True)
    assert stored(site) == []


def test_a_reader_imports_nothing(site: Site) -> None:
    site.sign_in("viewer", "acme")
    assert "Import" not in site.get("/o/acme/change-windows").text
    assert site.get(PAGE).status_code == 403
    assert site.post(f"{PAGE}/store", text=ALERTMANAGER, kind="allow").status_code == 403
