"""Numbers in addresses that nobody could mean: no page falls over them."""

from __future__ import annotations

from urllib.parse import quote

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


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59:59.999999-23:59"])
def test_a_time_at_the_end_of_all_times_breaks_no_page(site: Site, moment: str) -> None:
    webhook = site.world.add_webhook("http://127.0.0.1:9/").id
    asked = f"since={quote(moment)}&until={quote(moment)}&count=1"
    paths = [
        "audit",
        "audit/export/csv",
        "deliveries",
        *(f"webhooks/{webhook}/{one}" for one in ("redeliver", "backfill")),
    ]
    found = {path: site.get(f"/o/acme/{path}?{asked}").status_code for path in paths}
    assert {path for path, status in found.items() if status >= 500} == set()
    made = site.post("/o/acme/keys", name="k", role="read", expires_at=moment)
    assert (made.status_code, site.get("/o/acme/keys").status_code) == (422, 200)
