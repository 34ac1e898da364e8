"""Create, configure, test, inspect, redeliver: without JavaScript, and with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.pages.conftest import Shop
from tests.console.pages.tab import signed_in
from tests.people import PASSWORD
from tests.world import audit

_TABS = 160
"""Steps after which something counts as out of the keyboard's reach."""


@pytest.fixture
def plain(browser: Browser, shop: Shop) -> Iterator[Page]:
    """A browser without JavaScript, in which nobody is signed in."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    context = signed_in(browser, shop.site)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    context.close()


def deliver_one(shop: Shop, number: int) -> None:
    shop.site.world.send(audit(number, contextId="c2"))
    shop.site.world.deliver(shop.site.world.drain(shop.site.services.egress))


def press_to(page: Page, selector: str) -> None:
    """Tab until the focus is on the first element that fits."""
    for _ in range(_TABS):
        if page.evaluate("(selector) => document.activeElement === document.querySelector(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def press_enter_on(page: Page, selector: str) -> None:
    press_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_without_javascript_a_webhook_is_made_tested_and_its_delivery_sent_again(plain: Page, shop: Shop) -> None:
    page, base = plain, "/o/acme/c/c2/webhooks"
    page.goto(shop.site.url + base)
    page.fill("#email", shop.site.email)
    page.fill("#password", PASSWORD)
    page.click("button")
    assert page.url == shop.site.url + base
    page.click("text=Create Webhook")
    page.fill("#f-name", "Without script")
    page.click("button:has-text('Create Webhook')")
    assert "Needs URL" in page.inner_text("main")
    page.fill("#f-endpoint-url", shop.receiver.url)
    page.click("text=Check only")
    assert "This address may be used." in page.inner_text("#endpoint")
    page.click("text=Save endpoint")
    page.select_option("#f-sink", "webhook")
    page.click("text=Show its settings")
    page.click("button:has-text('Use Webhook')")
    assert "Active" in page.inner_text("h1 + .badge")
    page.fill("[name=header_name]", "x-team")
    page.fill("[name=header_value]", "network")
    page.click("text=Save headers")
    page.click("text=Send test event")
    assert "HTTP 200" in page.inner_text("#test")
    assert shop.receiver.requests[-1].header("x-team") == "network"
    deliver_one(shop, 501)
    page.click("text=Delivery history")
    page.click("text=event-501")
    page.click("a:has-text('Response')")
    assert "HTTP 200" in page.inner_text("main")
    page.click("text=Redeliver…")
    page.click("text=Redeliver once more")
    assert "Due again." in page.inner_text("[role=status]")


def test_the_keyboard_alone_makes_a_webhook_tests_it_and_sends_a_delivery_again(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/c/c2/webhooks")
    press_enter_on(page, "a[href$='/webhooks/new']")
    press_to(page, "#f-name")
    page.keyboard.type("By keyboard")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert "The webhook was created." in page.inner_text("[role=status]")
    press_to(page, "#f-endpoint-url")
    page.keyboard.type(shop.receiver.url)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press_to(page, "#f-sink")
    page.keyboard.type("Webhook")
    press_enter_on(page, "#sink form[method=get] button")
    press_enter_on(page, "#sink form[method=post] > footer button")
    assert "Active" in page.inner_text("h1 + .badge")
    press_enter_on(page, "form[action*='/test'] button")
    assert "HTTP 200" in page.inner_text("#test")
    deliver_one(shop, 502)
    press_enter_on(page, "footer a[href$='/deliveries']")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "event-502"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.keyboard.press("r")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press_enter_on(page, "form[action$='/redeliver'] button")
    assert "Due again." in page.inner_text("[role=status]")


def test_live_shows_a_new_delivery_without_a_reload_and_is_in_the_address(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/deliveries")
    page.evaluate("document.getElementById('rows').dataset.every = '0.2'")
    page.click("[data-live]")
    assert "live=1" in page.url
    shop.site.world.send(audit(503, contextId="c2"))
    page.wait_for_selector("text=event-503")
    assert page.get_attribute("[data-live]", "aria-pressed") == "true"


def test_the_list_of_webhooks_can_be_live(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/c/c2/webhooks")
    page.evaluate("document.getElementById('webhooks').dataset.every = '0.2'")
    page.click("[data-live]")
    shop.site.world.add_webhook(shop.receiver.url, context="c2")
    page.wait_for_selector("#webhooks a:text-is('hook')")
    assert page.url.endswith("?live=1")


def test_a_filter_exchanges_the_rows_and_stands_in_the_address(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/deliveries")
    page.evaluate("window.__same = true")
    page.select_option("#f-state", "skipped")
    page.wait_for_selector("text=Nothing matches")
    assert "state=skipped" in page.url
    assert page.evaluate("window.__same") is True
    expect(page.locator("[role=status]")).to_have_text("Nothing matches")
    with page.expect_navigation():
        page.click(".filters >> text=Show all")
    assert page.url.endswith("/o/acme/deliveries")


def test_the_address_of_a_filter_has_what_is_asked_for_and_that_the_page_is_live(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/deliveries")
    page.click("[data-live]")
    page.select_option("#f-state", "delivered")
    page.wait_for_url("**state=delivered**")
    assert page.url.endswith("?state=delivered&live=1")
    page.reload()
    assert page.get_attribute("[data-live]", "aria-pressed") == "true"


def test_a_download_has_what_the_filter_shows_after_the_rows_were_exchanged(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/audit")
    page.select_option("#f-action", "update")
    page.click("form.filters button")
    page.wait_for_url("**action=update**")
    page.wait_for_selector("#log a[download][href*='action=update']")
    assert page.locator("a[download]").count() == page.locator("a[download][href*='action=update']").count() == 2


def test_a_row_of_headers_is_added_and_dropped(page: Page, shop: Shop) -> None:
    webhook = shop.furnished.arguments["/o/acme"]["webhook"]
    page.goto(f"{shop.site.url}/o/acme/webhooks/{webhook}")
    assert page.locator("[name=header_name]").count() == 1
    page.click("text=Add another")
    assert page.locator("[name=header_name]").count() == 2
    assert page.evaluate("document.activeElement.name") == "header_name"
    page.click("#headers [data-row]:last-of-type button")
    assert page.locator("[name=header_name]").count() == 1


def test_one_box_ticks_all_event_types_of_a_service_and_shows_when_some_are(page: Page, shop: Shop) -> None:
    webhook = shop.furnished.arguments["/o/acme"]["webhook"]
    page.goto(f"{shop.site.url}/o/acme/webhooks/{webhook}")
    page.check("[name=every][value=no]")
    group = page.locator("#events fieldset", has_text="Sign In session created")
    whole, parts = group.locator("[data-all]"), group.locator("[name=event_types]")
    number = parts.count()
    assert number > 1
    group.locator("[name=event_types]").first.check()
    assert whole.evaluate("(one) => one.indeterminate") is True
    whole.check()
    assert group.locator("[name=event_types]:checked").count() == number
    with page.expect_navigation():
        page.click("text=Save events")
    whole = page.locator("#events fieldset", has_text="Sign In session created").locator("[data-all]")
    assert whole.is_checked()
    whole.uncheck()
    assert group.locator("[name=event_types]:checked").count() == 0


def test_after_a_section_is_saved_the_page_says_so_where_one_looks_and_its_script_runs(page: Page, shop: Shop) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    webhook = shop.furnished.arguments["/o/acme"]["webhook"]
    page.goto(f"{shop.site.url}/o/acme/webhooks/{webhook}")
    with page.expect_navigation():
        page.click("#retry >> text=Save schedule")
    assert page.evaluate("scrollY") > 0
    place = page.locator("[role=status] .notice").bounding_box()
    height = page.evaluate("innerHeight")
    assert place is not None
    assert 0 <= place["y"] <= height - place["height"]
    page.keyboard.press("?")
    page.uncheck("[data-keys]")
    assert page.evaluate("localStorage.getItem('relaypoint-keys')") == "off"
    assert errors == []


def test_single_keys_can_be_switched_off(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/deliveries")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.uncheck("[data-keys]")
    page.click("#keys button")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.list')") is None


def test_a_second_click_sends_no_second_form(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/o/acme/c/c2/webhooks/new")
    page.fill("#f-name", "Clicked twice")
    page.evaluate(
        "() => { window.sent = 0; addEventListener('submit', (event) => {"
        " if (!event.defaultPrevented) window.sent += 1; event.preventDefault(); }); }"
    )
    for _ in range(2):
        page.click("main button:has-text('Create Webhook')")
    assert page.evaluate("() => window.sent") == 1
