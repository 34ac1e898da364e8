"""A long text on a page: numbered, folded, and copied as a whole."""

from __future__ import annotations

import orjson
from playwright.sync_api import Browser

from tests.console.pages.conftest import Shop
from tests.console.pages.tab import Tab, signed_in
from tests.world import audit

_CHANGES = 60


def test_a_long_json_is_numbered_and_folded_and_copied_as_a_whole(browser: Browser, shop: Shop, axe: str) -> None:
    changes = [{"field": f"field {number}", "before": number, "after": [number]} for number in range(_CHANGES)]
    shop.site.world.send(audit(91_000, contextId="c2", changes=changes))
    events = map(orjson.loads, shop.site.get("/o/acme/audit/export/ndjson").data.splitlines())
    found = next(event for event in events if len(event["changes"]) == _CHANGES)
    context = signed_in(browser, shop.site, permissions=["clipboard-read", "clipboard-write"])
    tab = Tab(context, axe)
    page = tab.page
    page.goto(f"{shop.site.url}/o/acme/audit/{found['id']}")
    page.click("text=Raw JSON")
    page.click("text=more lines")
    lines = page.locator("#raw pre span")
    assert lines.count() > 200
    assert page.locator("#raw pre").count() == 2
    assert tab.look() == []
    page.locator("#raw").locator("xpath=preceding-sibling::*").locator("text=Copy").click()
    page.locator("[role=status] >> text=Copied.").wait_for()
    assert orjson.loads(page.evaluate("navigator.clipboard.readText()"))["changes"] == found["changes"]
    context.close()
