"""Numbers in addresses that nobody could mean: no page falls over them."""

from __future__ import annotations

import pytest

from tests.console.site import Site

NUMBERS = ["9" * 5000, str(2**63), str(2**63 - 1), str(2**62), "²", "-1", "1e3"]
PAGES = ["audit?before=", "webhooks?after=", "deliveries?before=", "connect/waiting?since="]
PAGES_OF_ONE = ["deliveries?before=", "history?before=", "batches?before=", "redeliver?count=1&per_s="]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_none_or_endless_breaks_no_page(site: Site, number: str) -> None:
    webhook = site.world.add_webhook("http://127.0.0.1:9/").id
    paths = [*PAGES, *(f"webhooks/{webhook}/{page}" for page in PAGES_OF_ONE)]
    asked = [*(f"{path}{number}" for path in paths), f"deliveries?before={number}~a", "deliveries?before=~"]
    found = {path: site.get(f"/o/acme/{path}").status_code for path in asked}
    assert {path for path, status in found.items() if status >= 500} == set()
