"""The Live switch in a browser: with the stream of a real web process, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.console.live.stage import Stage, staged
from tests.console.pages.conftest import Shop
from tests.console.pages.tab import signed_in
from tests.delivery.receiver import receiving
from tests.world import audit

SOON_MS = 3_000
"""Two seconds, and one for a machine that has other work; polling alone takes up to five."""
_HIDE = """
Object.defineProperty(document, "hidden", { value: true, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""
_SHOW = """
Object.defineProperty(document, "hidden", { value: false, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("live")) as made:
        made.site.url = made.server.url
        yield made


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    context = signed_in(browser, stage.site)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    context.close()


def live_on(page: Page, url: str, state: str = "On, as it happens") -> None:
    page.goto(url)
    assert page.inner_text("#live-state") == "Off"
    page.click("[data-live]")
    page.wait_for_selector(f"#live-state:text-is('{state}')")


def test_what_happens_is_on_the_page_within_seconds_and_is_not_announced_each_time(page: Page, stage: Stage) -> None:
    live_on(page, f"{stage.server.url}/o/acme/audit")
    announced = page.inner_text("[role=status]")
    assert announced == "Live: new rows appear by themselves."
    for number in (601, 602):
        stage.send(number)
        page.wait_for_selector(f"a[href$='/event-{number}']", timeout=SOON_MS)
    assert page.inner_text("[role=status]") == announced
    assert page.locator("[data-live]").get_attribute("aria-pressed") == "true"
    page.click("[data-live]")
    assert page.inner_text("#live-state") == "Off"


def test_a_delivery_appears_and_then_ends_on_the_page(page: Page, stage: Stage) -> None:
    with receiving() as receiver:
        hook = stage.site.world.add_webhook(receiver.url)
        live_on(page, f"{stage.server.url}/o/acme/webhooks/{hook.id}/deliveries")
        stage.send(611)
        page.wait_for_selector("#rows tr:has-text('event-611'):has-text('Pending')", timeout=SOON_MS)
        stage.site.world.deliver(stage.site.world.drain(stage.site.services.egress))
        page.wait_for_selector("#rows tr:has-text('event-611'):has-text('Delivered')", timeout=SOON_MS)


def test_a_tab_that_nobody_sees_gives_its_place_back_and_takes_one_again(page: Page, stage: Stage) -> None:
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):  # the look a stream begins with
        live_on(page, f"{stage.server.url}/o/acme/audit")
    page.evaluate(_HIDE)
    stage.send(621)
    page.wait_for_timeout(1_500)
    assert page.locator("a[href$='/event-621']").count() == 0
    page.evaluate(_SHOW)
    page.wait_for_selector("a[href$='/event-621']", timeout=SOON_MS)
    page.wait_for_selector("#live-state:text-is('On, as it happens')")


def test_a_second_page_of_the_same_session_is_told_and_the_first_one_says_that_it_looks_by_itself(
    page: Page, stage: Stage
) -> None:
    live_on(page, f"{stage.server.url}/o/acme/audit")
    other = page.context.new_page()
    live_on(other, f"{stage.server.url}/o/acme/deliveries")
    page.wait_for_selector("#live-state:has-text('another page of yours')")


def test_without_a_stream_the_page_looks_by_itself(browser: Browser, shop: Shop) -> None:
    context = signed_in(browser, shop.site)
    page = context.new_page()
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { document.getElementById('log').dataset.every = 1; })"
    )
    live_on(page, f"{shop.site.url}/o/acme/audit", "On, every 5 seconds")
    shop.site.world.send(audit(631, contextId="c2"))
    page.wait_for_selector("a[href$='/event-631']", timeout=10_000)
    context.close()


def test_a_page_says_when_the_server_is_away(browser: Browser, tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.site.url = stage.server.url
        context = signed_in(browser, stage.site)
        page = context.new_page()
        live_on(page, f"{stage.server.url}/o/acme/audit")
        stage.server.stop()
        page.wait_for_selector("#live-state:text-is('On, reconnecting')")
        context.close()
