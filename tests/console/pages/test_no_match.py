"""Every list that takes a filter, where nothing matches it, and where the filter itself cannot be."""

from __future__ import annotations

import re

import pytest

from tests.console.pages.conftest import Shop
from tests.console.pages.inspector import Inspector
from tests.console.pages.refusals import TYPED_WRONG
from tests.console.pages.routes import filled, pages_below
from tests.npm import Node

FULL = ("/o/acme", "/o/acme/c/c1")
OK = 200
A_FILTER = re.compile(r'<form(?![^>]*method="post")')
NOWHEN = "not-a-time"
LONG_AGO = "count=1&since=2001-01-01T00:00&until=2001-01-02T00:00"
FILTERS = {
    "audit": (("q=nothing-says-so&action=delete", OK), (f"since={NOWHEN}", OK)),
    "deliveries": (("q=nothing-begins-so&state=failed", OK), (f"since={NOWHEN}", OK)),
    "webhooks/<webhook>/deliveries": (("state=parked", OK), (f"until={NOWHEN}", OK)),
    "webhooks/<webhook>/redeliver": (
        (f"{LONG_AGO}&state=any&code=5xx", OK),
        ("count=1&since=", TYPED_WRONG),
        (f"{LONG_AGO}&code=unheard-of", TYPED_WRONG),
    ),
    "webhooks/<webhook>/backfill": ((LONG_AGO, OK), ("count=1&since=", TYPED_WRONG)),
}
"""By the path below a place: a query that fits nothing and one that cannot be, and the status of each."""
NO_FILTERS = {"webhooks/<webhook>"}
"""Pages with a form that asks for another part of themselves, and filters nothing."""
LINKED = {"devices": ("group=no-such-group", OK)}
"""Pages that take a filter from a link."""


@pytest.mark.parametrize("place", FULL)
def test_every_filter_is_known_to_the_tests(shop: Shop, place: str) -> None:
    filters = {
        path
        for path in pages_below(shop.site.app, place)
        if A_FILTER.search(shop.site.get(filled(place, path, shop.furnished.arguments[place])).text)
    }
    assert filters - NO_FILTERS == set(FILTERS)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("place", FULL)
def test_every_list_is_sound_where_nothing_matches(inspector: Inspector, shop: Shop, place: str) -> None:
    known = shop.furnished.arguments[place]
    asked = [(path, *one) for path, queries in FILTERS.items() for one in queries]
    asked += [(path, *one) for path, one in LINKED.items() if path in pages_below(shop.site.app, place)]
    addressed = [(f"{filled(place, path, known)}?{query}", status) for path, query, status in asked]
    assert [one for address, status in addressed for one in inspector.open(address, status)] == []


def test_every_page_that_was_seen_is_valid_html(inspector: Inspector, checkers: Node) -> None:
    assert inspector.html_errors(checkers) == ""
