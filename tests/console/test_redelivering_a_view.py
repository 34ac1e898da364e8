"""From a history that was narrowed to the redelivery of exactly what it lists: link, form, count, start, progress."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import select, update

from app.core.clock import DAY, HOUR
from app.core.states import AttemptOutcome, DeliveryState
from app.store.record import AttemptRow, write_attempts
from app.store.tables import deliveries, events
from tests.console.furnished import answer
from tests.console.site import Site
from tests.delivery.receiver import Receiver, receiving
from tests.world import PLATFORM, Hook

FAILED, DELIVERED, SKIPPED = DeliveryState.FAILED, DeliveryState.DELIVERED, DeliveryState.SKIPPED
ENDS = (
    (FAILED, 404),
    (FAILED, 503),
    (DELIVERED, 200),
    (FAILED, None),
    (DeliveryState.PARKED, None),
    (DeliveryState.PENDING, 503),
    (DELIVERED, 503),
)
"""State and last status of one delivery after the other; the first was received 9 days ago, each other a day later."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answer) as made:
        yield made


@pytest.fixture
def hook(site: Site, receiver: Receiver) -> Hook:
    made = site.world.add_webhook(receiver.url)
    site.world.send_numbers(*range(len(ENDS)))
    first = site.services.clock() - 9 * DAY
    with site.services.store.write() as connection:
        owed = connection.execute(select(deliveries.c.event_seq).order_by(deliveries.c.event_seq)).scalars().all()
        for place, (seq, (state, status)) in enumerate(zip(owed, ENDS, strict=True)):
            due = None if state is not DeliveryState.PENDING else site.services.clock() + HOUR
            this = update(deliveries).where(deliveries.c.event_seq == seq)
            connection.execute(this.values(state=state, due_at=due, attempt_count=1))
            at = first + place * DAY
            connection.execute(update(events).where(events.c.seq == seq).values(received_at=at))
            write_attempts(connection, [AttemptRow(made.pk, seq, 1, at, AttemptOutcome.RETRY, status, None)])
    return made


def home(hook: Hook) -> str:
    return f"/o/acme/webhooks/{hook.id}"


def handed(site: Site, hook: Hook, asked: str) -> tuple[str, str]:
    """Where the history with these filters leads to, and what it says is left out."""
    page = site.get(f"{home(hook)}/deliveries?{asked}").text
    where = re.search(r'href="([^"]+/redeliver[^"]*)"', page)
    said = re.search(r'(?:…</a>|<div class="actions">)<small>([^<]+)</small></div>', page)
    return unescape(where[1]) if where else "", said[1] if said else ""


@pytest.mark.parametrize(
    ("asked", "fitting", "said"),
    [
        ("state=failed", 3, ""),
        ("state=failed&code=4xx", 1, ""),
        ("state=failed&code=none", 1, ""),
        ("state=parked", 1, ""),
        ("state=delivered", 2, ""),
        ("state=delivered&code=5xx", 1, ""),
        ("code=5xx", 1, "What has not ended is left out."),
        ("code=none", 2, "What has not ended is left out."),
        ("code=2xx", 1, "What has not ended or was skipped is left out."),
        ("event_type=entrypoint.configuration.audit", 6, "What has not ended or was skipped is left out."),
    ],
)
def test_what_a_history_lists_is_what_is_counted_and_started(
    site: Site, hook: Hook, asked: str, fitting: int, said: str
) -> None:
    where, left_out = handed(site, hook, asked)
    assert left_out == said
    form = site.get(where).text
    fields = dict(re.findall(r'<input id="[^"]+" name="([^"]+)" type="[^"]+" value="([^"]*)"', form))
    fields |= dict(
        re.findall(r'<select id="[^"]+" name="([^"]+)".*?<option value="([^"]*)" selected>', form, re.DOTALL)
    )
    counted = site.get(f"{home(hook)}/redeliver?{urlencode({**fields, 'count': '1'})}").text
    assert f"<b>{fitting} deliver" in counted
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', counted))
    assert {name: hidden[name] for name in ("state", "code", "since")} == {
        name: fields[name] for name in ("state", "code", "since")
    }
    started = site.post(f"{home(hook)}/redeliver", **{name: hidden[name] for name in hidden if name != "csrf_token"})
    assert f"0 of {fitting}" in site.get(started.headers["location"]).text


def test_times_are_handed_on_as_they_were_typed(site: Site, hook: Hook) -> None:
    where, _ = handed(site, hook, "state=failed&since=2026-01-02T03:04&until=2099-01-01T00:00:01")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
    assert asked == {"state": "failed", "since": "2026-01-02T03:04", "until": "2099-01-01T00:00:01"}


def test_a_history_that_is_not_narrowed_leads_to_the_form_as_it_begins(site: Site, hook: Hook) -> None:
    assert handed(site, hook, "") == (f"{home(hook)}/redeliver", "")


def test_a_search_is_not_handed_on_and_that_is_said(site: Site, hook: Hook) -> None:
    searched = "The search is left out: more may fit than is listed here."
    assert handed(site, hook, "q=event-0") == (f"{home(hook)}/redeliver", searched)
    where, said = handed(site, hook, "q=event-0&state=failed")
    assert ("state=failed" in where, "event-0" in where, said) == (True, False, searched)
    assert handed(site, hook, "q=event-0&code=4xx")[1] == f"What has not ended is left out. {searched}"


def test_what_has_not_ended_leads_nowhere(site: Site, hook: Hook) -> None:
    assert handed(site, hook, "state=pending") == ("", "Only what has ended can be redelivered.")


def test_a_time_that_counts_as_nothing_in_the_history_is_none_in_the_form(site: Site, hook: Hook) -> None:
    where, _ = handed(site, hook, "state=failed&since=soon&until=2099-01-01T00:00")
    assert "soon" not in where
    assert "until" not in where
    assert "<b>3 deliveries</b>" in site.get(f"{where}&count=1").text


def test_a_visitor_who_may_not_send_sees_no_way_there(site: Site, hook: Hook) -> None:
    site.sign_in("viewer")
    page = site.get(f"{home(hook)}/deliveries?state=failed").text
    assert "/redeliver" not in page


@pytest.mark.parametrize("field", ["state=pending", "state=nonsense", "code=5", "code=500", "code=any"])
def test_what_the_form_does_not_offer_is_refused_and_widens_nothing(site: Site, hook: Hook, field: str) -> None:
    name, value = field.split("=")
    counted = site.get(f"{home(hook)}/redeliver?count=1&since=2020-01-01T00:00&{field}")
    assert (counted.status_code, "Choose one of these" in counted.text) == (422, True)
    refused = site.post(f"{home(hook)}/redeliver", since="2020-01-01T00:00", **{name: value})
    assert refused.status_code == 422
    assert site.services.replays.page(PLATFORM, hook.id, before=None, limit=5).items == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"state": "failed", "code": "5xx"}, ("Failed", "5xx, receiver in trouble", "Any")),
        ({"state": "any", "code": "none"}, ("Failed or blocked", "No answer", "Any")),
        ({"state": "any", "code": "2xx"}, ("Delivered, failed or blocked", "2xx, taken", "Any")),
        ({"state": "any", "event_type": "a.b"}, ("Delivered, failed or blocked", "Any", "a.b")),
        ({}, ("Failed", "Any", "Any")),
    ],
)
def test_a_replay_says_its_whole_filter(
    site: Site, hook: Hook, typed: dict[str, str], said: tuple[str, str, str]
) -> None:
    started = site.post(f"{home(hook)}/redeliver", since="2020-01-01T00:00", **typed)
    page = site.get(started.headers["location"]).text
    assert tuple(re.findall(r"<dt>(?:Status chosen|Last answer|Event type)</dt><dd>([^<]+)</dd>", page)) == said


@pytest.mark.parametrize(
    ("asked", "warnings"),
    [
        ("state=any", 1),
        ("state=delivered", 1),
        ("state=any&code=2xx", 1),
        ("state=any&code=5xx", 0),
        ("state=failed", 0),
    ],
)
def test_whoever_sends_again_what_arrived_is_told(site: Site, hook: Hook, asked: str, warnings: int) -> None:
    counted = site.get(f"{home(hook)}/redeliver?count=1&since=2020-01-01T00:00&{asked}").text
    assert counted.count("Some arrived already") == warnings
