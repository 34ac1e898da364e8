"""From the first start to the first delivery, as somebody walks it who read nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page
from sqlalchemy import delete

from app.store.tables import organizations
from tests.console.site import Site, new_site, served
from tests.delivery.receiver import Receiver, receiving

MOST_CLICKS = 10
"""From the set-up link to the answer of the receiver; typing and the choice of a sink aside."""


class Visitor:
    """Somebody with a mouse, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: str) -> None:
        self.clicks += 1
        self.page.click(what)

    def type(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An installation after its first start: nobody in it, no organization."""
    with new_site(tmp_path) as site, served(site):
        with site.services.store.write() as connection:
            connection.execute(delete(organizations))
        yield site


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def visitor(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield Visitor(page)
    context.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


@dataclass(frozen=True)
class Service:
    """A service into which was pasted what the page says."""

    address: str
    headers: dict[str, str]

    @classmethod
    def pasted(cls, page: Page) -> Service:
        name, _, value = page.inner_text("#header").partition(": ")
        return cls(page.inner_text("#address"), {name: value})

    def change_something(self, event_id: str) -> None:
        event = {
            "id": event_id,
            "eventId": "entrypoint.configuration.audit",
            "action": "update",
            "contextId": "hq",
            "changes": [{"field": "RADIUS client allow-list", "before": [], "after": ["192.0.2.1/32"]}],
        }
        answer = requests.post(self.address, json=event, headers=self.headers, timeout=10)
        assert answer.json()["accepted"] == 1


def test_from_the_setup_link_to_the_first_delivery(visitor: Visitor, site: Site, receiver: Receiver) -> None:
    page = visitor.page
    page.goto(f"{site.url}/setup?link={site.services.people.setup_link()}")
    visitor.type(name="Ada", email="ada@example.com", password="correct horse battery")
    visitor.click("button:has-text('Set up')")
    visitor.click("a:has-text('Create organization') >> nth=0")
    visitor.type(name="Globex")
    visitor.click("button:has-text('Create organization')")
    visitor.click("text=Make the key")
    service = Service.pasted(page)
    service.change_something("first")
    if page.locator("text=Look again").is_visible():
        page.click("text=Look again")
    page.wait_for_selector("text=The first event is here")
    visitor.click("a:has-text('Create Webhook')")
    visitor.type(name="Splunk")
    visitor.click("button:has-text('Create Webhook')")
    visitor.type(endpoint_url=receiver.url)
    visitor.click("text=Save endpoint")
    page.select_option("[name=sink]", "webhook")
    visitor.click("text=Show its settings")
    visitor.click("button:has-text('Use Webhook')")
    assert "Active" in page.inner_text("h1 + .badge")
    visitor.click("text=Send test event")
    assert "HTTP 200" in page.inner_text("#test")
    assert visitor.clicks <= MOST_CLICKS
    service.change_something("second")
    site.world.deliver(site.world.drain(site.services.egress))
    page.goto(page.url.partition("/test")[0])
    assert page.inner_text("tr:has-text('second') .badge") == "Delivered"
