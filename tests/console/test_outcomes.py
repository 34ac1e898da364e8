"""What RADIUS counted, in pictures and words: with records, and where there are none yet."""

from __future__ import annotations

import html

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console.outcomes import device_bar, method_lines, outcome_bar
from app.core.radius import ACCOUNTING, AUTHENTICATION, UNKNOWN_METHOD
from tests.console.site import Site

PLACE = "/o/acme/c/c1"


@pytest.fixture
def counted(site: Site) -> Site:
    """Two methods, one of them not told, and two groups of devices."""
    record = {"type": AUTHENTICATION, "organization_id": "acme", "context": {"id": "c1"}, "result": "Access-Accept"}
    site.world.send(
        *(
            {**record, "id": f"a{n}", "method": "EAP-TLS", "mac": f"00:00:00:00:00:0{n}", "group": "staff"}
            for n in "123"
        ),
        {**record, "id": "r1", "method": "EAP-TLS", "result": "Access-Reject"},
        {**record, "id": "u1", "mac": "00:00:00:00:00:09"},
    )
    return site


def test_a_context_shows_its_methods_the_busiest_first(counted: Site) -> None:
    page = counted.get(PLACE).text
    assert page.index('aria-label="EAP-TLS: 3 accepted, 1 rejected"') < page.index("Method not told: 1 accepted, 0 rej")
    assert f"{PLACE}/audit?event_type={AUTHENTICATION}" in page


def test_the_list_of_contexts_shows_how_many_were_let_in(counted: Site) -> None:
    counted.add_context("acme", "c9", "Fresh")
    page = counted.get("/o/acme/contexts").text
    assert 'aria-label="RADIUS: 4 accepted, 1 rejected"' in page
    assert page.count("<rect") == 2


def test_groups_are_drawn_beside_the_largest(counted: Site) -> None:
    page = counted.get(f"{PLACE}/groups").text
    assert 'aria-label="staff: 3 devices"' in page
    assert 'aria-label="No group: 1 device"' in page
    assert "How RADIUS records get in" not in page


def test_a_context_without_records_says_how_they_get_in(site: Site) -> None:
    site.add_context("acme", "w1", "Lobby", service="signin")
    assert f'href="{PLACE}/groups">How RADIUS records get in' in site.get(PLACE).text
    assert "How RADIUS records get in" not in site.get("/o/acme/c/w1").text
    page = site.get(f"{PLACE}/groups").text.replace("<wbr>", "")
    for told in ("No device yet", "POST http://localhost/v1/events", AUTHENTICATION, ACCOUNTING):
        assert told in page


def test_the_record_that_is_shown_as_an_example_is_counted(site: Site) -> None:
    shown = site.get(f"{PLACE}/groups").text.partition('id="record"')[2].partition(">")[2].partition("</pre>")[0]
    site.world.send(orjson.loads(html.unescape(shown)) | {"organization_id": "acme"})
    assert 'aria-label="EAP-TLS: 1 accepted, 0 rejected"' in site.get(PLACE).text
    assert 'aria-label="staff: 1 device"' in site.get(f"{PLACE}/groups").text


NUMBERS = st.integers(0, 10**12)


@given(accepted=NUMBERS, rejected=NUMBERS, more=NUMBERS)
def test_a_bar_stays_in_its_picture_and_hides_nothing(accepted: int, rejected: int, more: int) -> None:
    picture = outcome_bar("MAB", accepted, rejected, accepted + rejected + more)
    assert [one.tone for one in picture.bars] == ["good"] * bool(accepted) + ["bad"] * bool(rejected)
    assert all(one.width >= 8 and one.x + one.width <= picture.width for one in picture.bars)
    assert f"{accepted} accepted, {rejected} rejected" in picture.text


def test_nothing_counted_is_an_empty_bar() -> None:
    assert outcome_bar("MAB", 0, 0).bars == device_bar("staff", 0, 0).bars == ()
    assert method_lines([]) == []
    (line,) = method_lines([{"method": UNKNOWN_METHOD, "accepted": 0, "rejected": 0}])
    assert (line.title, line.picture.bars) == ("Method not told", ())
