"""Change windows, sensitivity rules and event types over HTTP."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from app.console.event_fields import FIELDS
from app.console.views import change_windows
from app.console.week import Span, micros, week_around, week_picture
from app.core.clock import HOUR, to_rfc3339
from app.routing.change_windows import ChangeWindowInput
from app.routing.event_history import EventFilter
from app.security.scope import Scope
from tests.console.site import Site
from tests.world import audit

ZONE = ZoneInfo("Europe/Stockholm")
NIGHTS = {"name": "Nights", "kind": "allow", "start": "22:00", "end": "24:00", "weekdays": ["monday", "tuesday"]}


def first_link(page: str, below: str) -> str:
    found = re.search(rf'href="({below}/(?!new|import|export)[^"/]+)"', page)
    assert found is not None
    return found[1]


def test_a_window_is_said_without_json_and_shown_as_it_was_said(site: Site) -> None:
    assert "No change window yet" in site.get("/o/acme/change-windows").text
    answer = site.post("/o/acme/change-windows/new", **NIGHTS)
    assert answer.headers["location"] == "/o/acme/change-windows?said=saved"
    page = site.get("/o/acme/change-windows").text
    assert 'aria-label="Monday: open 22:00 to 24:00 (Nights)' in page
    assert 'aria-label="Sunday: no window"' in page
    shown = site.get(first_link(page, "/o/acme/change-windows")).text
    assert re.findall(r'value="(\w+)" checked', shown) == ["monday", "tuesday"]
    assert 'value="22:00"' in shown
    stored = site.services.change_windows.all(Scope("acme"), "acme")[0]
    assert stored["time_intervals"] == [
        {
            "location": "Local",
            "times": [{"start_time": "22:00", "end_time": "24:00"}],
            "weekdays": ["monday", "tuesday"],
        }
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Fill this in."),
        ({"start": "25:00"}, "f-start-wrong"),
        ({"end": "21:00"}, "f-end-wrong"),
        ({"starts_at": "2026-12-20T18:00", "ends_at": "2026-12-21T18:00"}, "Fill in the week, or one stretch of time"),
        ({"weekdays": [], "start": "", "end": "", "starts_at": "2026-12-20T18:00"}, "f-ends-at-wrong"),
        ({"intervals": '[{"weekdays": ["someday"]}]'}, "f-intervals-wrong"),
        ({"intervals": "not json"}, "Write a JSON list of intervals."),
        ({"grace_minutes": "soon"}, "f-grace-minutes-wrong"),
        ({"weekdays": [], "start": "", "end": ""}, "Say when: every week, or once."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(site: Site, change: dict[str, object], words: str) -> None:
    answer = site.post("/o/acme/change-windows/new", **(NIGHTS | {"tags": "pki"} | change))
    assert answer.status_code == 422
    assert words in answer.text
    assert "\npki" in answer.text
    assert site.services.change_windows.all(Scope("acme"), "acme") == []


@pytest.mark.parametrize(
    ("starts_at", "stored", "shown"),
    [
        ("2026-12-20T18:00", "2026-12-20T17:00:00.000Z", "2026-12-20T18:00"),
        ("2026-12-20T18:00:00-05:00", "2026-12-20T23:00:00.000Z", "2026-12-21T00:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00.000Z", "2026-10-25T01:30:00.000Z"),
    ],
)
def test_a_window_that_opens_once_is_meant_in_the_organizations_time(
    site: Site, starts_at: str, stored: str, shown: str
) -> None:
    site.post("/o/acme/settings/organization", name="Acme", timezone="Europe/Stockholm")
    blank = site.get("/o/acme/change-windows/new").text
    typed = dict(re.findall(r'<input[^>]* name="(start|end)"[^>]* value="([^"]*)"', blank))
    freeze = {"name": "Freeze", "kind": "freeze", "starts_at": starts_at, "ends_at": "2027-01-06T06:00"}
    assert site.post("/o/acme/change-windows/new", **(typed | freeze)).status_code == 303
    kept = site.services.change_windows.all(Scope("acme"), "acme")[0]
    assert (kept["starts_at"], kept["ends_at"]) == (stored, "2027-01-06T05:00:00.000Z")
    page = site.get(first_link(site.get("/o/acme/change-windows").text, "/o/acme/change-windows")).text
    assert re.search(rf'name="starts_at"[^>]* value="{re.escape(shown)}"', page)


def test_a_window_without_room_is_refused_at_its_input(site: Site) -> None:
    times = [{"start_time": f"{minute // 60:02d}:{minute % 60:02d}", "end_time": "24:00"} for minute in range(40)]
    full = ChangeWindowInput(name="Full", time_intervals=[{"times": times}] * 50)
    site.services.change_windows.create(Scope("acme"), "acme", full)
    answer = site.post("/o/acme/change-windows/new", **NIGHTS)
    assert (answer.status_code, "f-start-wrong" in answer.text, "of at most 2,000" in answer.text) == (422, True, True)
    written = {"name": "More", "kind": "allow", "intervals": '[{"weekdays": ["monday"]}]'}
    answer = site.post("/o/acme/change-windows/new", **written)
    assert (answer.status_code, "f-intervals-wrong" in answer.text) == (422, True)
    shown = site.post(
        "/o/acme/change-windows/import", kind="allow", text="time_intervals: [{name: n, time_intervals: [{}]}]"
    )
    assert "<b>Interval 1</b>" in shown.text
    assert "of at most 2,000" in shown.text


def test_a_window_that_the_form_cannot_say_is_shown_as_json(site: Site) -> None:
    interval = {"days_of_month": ["1:7"], "location": "UTC"}
    site.post("/o/acme/change-windows/new", name="First week", kind="freeze", intervals=orjson.dumps([interval]))
    link = first_link(site.get("/o/acme/change-windows").text, "/o/acme/change-windows")
    assert "days_of_month" in site.get(link).text
    assert site.post(f"{link}/delete").status_code == 303
    assert "No change window yet" in site.get("/o/acme/change-windows").text


def test_a_rule_is_made_changed_and_removed(site: Site) -> None:
    rule = {"name": "Allow-lists", "position": "10", "sensitivity": "5", "tags": "network, radius"}
    pattern = orjson.dumps({"changes.path": [{"prefix": "radius"}]}).decode()
    assert "Write the pattern as JSON." in site.post("/o/acme/sensitivity-rules/new", **rule, pattern="{").text
    assert site.post("/o/acme/sensitivity-rules/new", **rule, pattern=pattern).status_code == 303
    page = site.get("/o/acme/sensitivity-rules").text
    assert "5, critical" in page
    link = first_link(page, "/o/acme/sensitivity-rules")
    assert 'value="network, radius"' in site.get(link).text
    refused = site.post(link, **(rule | {"tags": "no such tag!"}), pattern=pattern)
    assert refused.status_code == 422
    assert re.search(r'id="f-tags-wrong">.*Must be a word of small letters, digits and _', refused.text)
    odd = site.post(link, **rule, pattern='{"tags": "a"}')
    assert re.search(r'id="f-pattern-wrong">.*At /tags: a leaf is a list of alternatives', odd.text)
    assert site.post(link, **(rule | {"sensitivity": ""}), pattern=pattern).status_code == 303
    assert "As built in" in site.get("/o/acme/sensitivity-rules").text
    assert site.post(f"{link}/delete").status_code == 303
    assert "No rule of your own" in site.get("/o/acme/sensitivity-rules").text


def test_a_reader_sees_policies_and_changes_none(site: Site) -> None:
    site.post("/o/acme/change-windows/new", **NIGHTS)
    site.sign_in("viewer")
    page = site.get("/o/acme/change-windows").text
    assert "Create change window" not in page
    link = first_link(page, "/o/acme/change-windows")
    assert "Remove this window" not in site.get(link).text
    assert site.post(f"{link}/delete").status_code == 403


def test_a_context_sees_the_windows_that_count_there_and_changes_none(site: Site) -> None:
    site.post("/o/acme/change-windows/new", **NIGHTS)
    site.add_context("acme", "c2", "Two")
    site.post(
        "/o/acme/change-windows/new", **(NIGHTS | {"name": "Elsewhere", "contexts": "c2", "weekdays": ["friday"]})
    )
    page = site.get("/o/acme/c/c1/change-windows").text
    assert "Nights" in page
    assert "Elsewhere" not in page
    assert 'aria-label="Friday: no window"' in page
    assert 'href="/o/acme/change-windows/cw_' in page
    assert "Create change window" not in page
    assert 'href="/o/acme/c/c1/change-windows" aria-current="page"' in page
    assert "Elsewhere" in site.get("/o/acme/c/c2/change-windows").text
    site.sign_in("viewer", "acme", "c1")
    page = site.get("/o/acme/c/c1/change-windows").text
    assert "Nights" in page
    assert "/o/acme/change-windows" not in page


def test_change_windows_name_the_webhooks_that_hear_of_changes_outside_alone(site: Site) -> None:
    site.post("/o/acme/change-windows/new", **NIGHTS)
    assert "No webhook here asks for these alone." in site.get("/o/acme/change-windows").text
    alert = site.world.add_webhook("https://receiver.example/", only_outside_change_windows=True)
    site.world.add_webhook("https://receiver.example/all")
    page = site.get("/o/acme/change-windows").text
    assert re.findall(r'href="(/o/acme/webhooks/[^"]+)#conditions"', page) == [f"/o/acme/webhooks/{alert.id}"]
    assert "No webhook here asks for these alone." in site.get("/o/acme/c/c1/change-windows").text


def test_event_types_say_that_radius_outcomes_are_not_delivered(site: Site) -> None:
    page = site.get("/o/acme/event-types").text
    assert "authentication outcomes and accounting records are not delivered" in page
    assert page.count("Not delivered") == 2
    assert 'href="/o/acme/contexts">Service Context</a>' in page
    assert "/o/acme/audit?event_type=entrypoint.radius.accounting" in page


def test_event_types_tell_every_field_of_an_event_and_show_the_newest(site: Site) -> None:
    assert "The newest event here" not in site.get("/o/acme/event-types").text
    site.world.send(audit(1, eventId="wifi.radio.audit", contextId="c1"))
    (event,), _ = site.services.events.page(Scope("acme"), EventFilter(), before=None, limit=1)
    assert [name for name, _, _ in FIELDS] == list(event)
    page = site.get("/o/acme/event-types").text
    assert "The newest event here" in page
    assert "event-1" in page
    assert f'known from its first event, <time datetime="{event["received_at"]}"' in page
    assert "The newest event here" in site.get("/o/acme/c/c1/event-types").text


def test_a_week_is_seven_local_days_across_a_change_of_the_clock() -> None:
    sunday = micros(datetime(2026, 3, 29, 12, tzinfo=ZONE))
    bounds = week_around(sunday, ZONE)
    assert [one.isoformat() for one in bounds] == ["2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]
    over_midnight = Span("Nights", "allow", micros(datetime(2026, 3, 28, 22, tzinfo=ZONE)), sunday - 10 * HOUR)
    events = [{"occurred_at": "2026-03-29T10:30:00Z"}, {"occurred_at": "2026-03-30T10:30:00Z"}]
    week = week_picture(bounds, [over_midnight], events, ZONE)
    assert week.days[5].text == "Saturday: open 22:00 to 24:00 (Nights)"
    assert week.days[6].text == "Sunday: open 00:00 to 01:00 (Nights); 1 sensitive change outside"
    assert week.outside == 1


def test_the_changes_of_the_week_are_those_that_its_link_leads_to(site: Site) -> None:
    once = ChangeWindowInput(name="Once", starts_at="2020-01-01T00:00:00Z", ends_at="2020-01-01T01:00:00Z")
    site.services.change_windows.create(Scope("acme"), "acme", once)
    monday, _ = week_around(site.services.clock(), ZoneInfo("UTC"))
    page = site.get("/o/acme/change-windows").text
    assert f'audit?window=outside&amp;sensitivity_min=3&amp;since={monday:%Y-%m-%dT%H}%3A00"' in page


def test_more_changes_than_are_marked_are_told_as_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_windows, "_MARKS", 2)
    once = ChangeWindowInput(name="Once", starts_at="2020-01-01T00:00:00Z", ends_at="2020-01-01T01:00:00Z")
    site.services.change_windows.create(Scope("acme"), "acme", once)
    opened = {"field": "RADIUS client allow-list", "before": ["10.0.0.0/8"], "after": ["0.0.0.0/0"]}
    now = to_rfc3339(site.services.clock())
    site.world.send(*(audit(number, changes=[opened], timestamp=now) for number in range(3)))
    page = site.get("/o/acme/change-windows").text
    assert "2 or more sensitive changes" in page
