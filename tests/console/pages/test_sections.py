"""The bar of sections of a webhook's page marks the one that somebody looks at, without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.console.pages.conftest import Shop
from tests.console.pages.routes import filled
from tests.console.pages.tab import signed_in

MARKED = "[...document.querySelectorAll('.contents a:target-current')].map((one) => one.getAttribute('href'))"


@pytest.mark.parametrize("has_script", [True, False])
def test_the_section_that_is_looked_at_is_marked_in_the_bar(browser: Browser, shop: Shop, has_script: bool) -> None:  # noqa: FBT001 - a table
    context = signed_in(browser, shop.site, java_script_enabled=has_script, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(shop.site.url + filled("/o/acme", "webhooks/<webhook>", shop.furnished.arguments["/o/acme"]))
    assert page.evaluate(MARKED) == ["#glance"]
    for section in ("#headers", "#retry", "#endpoint"):
        page.click(f".contents [href='{section}']")
        page.locator(f".contents [href='{section}']:target-current").wait_for()
        assert page.evaluate(MARKED) == [section]
        underlined = page.eval_on_selector_all(
            ".contents a",
            "(all) => all.filter((one) => parseFloat(getComputedStyle(one).borderBottomWidth) > 0).length",
        )
        assert underlined == 1
    context.close()
