"""Every page of the console with nothing, one and many of everything in it, in a real browser."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from app.queue.connection import ring_redis, worker_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.worker import DrainWorker
from app.sinks.manager import LoadedPlugin
from app.store.partitions import release_partitions, take_partition, take_tick_lease
from app.store.refusals import StoppedByRule
from tests.console.pages.conftest import Shop
from tests.console.pages.inspector import Inspector
from tests.console.pages.routes import PARTS, PLACES, above, addresses, filled, pages_below
from tests.console.pages.tab import Tab, signed_in
from tests.console.redis_beside import running_redis, using_redis
from tests.npm import Node

MAIN = (
    "",
    "webhooks",
    "webhooks/<webhook>",
    "webhooks/<webhook>/deliveries",
    "webhooks/<webhook>/deliveries/<delivery>",
    "audit",
)
TABS = ("response", "attempts", "event")


@pytest.mark.parametrize("place", ["/o/solo", "/o/acme"])
def test_every_part_of_a_path_is_something_that_the_tests_have(shop: Shop, place: str) -> None:
    known = shop.furnished.arguments[place]
    assert [path for path in pages_below(shop.site.app, place) if not set(PARTS.findall(path)) <= set(known)] == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", PLACES)
def test_every_page_is_sound(inspector: Inspector, shop: Shop, place: str) -> None:
    assert [one for address in addresses(shop, place) for one in inspector.open(address)] == []


def test_every_page_above_the_organizations_is_sound(inspector: Inspector, shop: Shop) -> None:
    known = shop.furnished.arguments["/o/acme"]
    pages = {filled("", path.strip("/"), known) for path in above(shop.site.app, "console.GET", "GET")}
    assert "/ops/health" in pages
    assert [one for address in {*pages, "/ops/health?ledger=1"} for one in inspector.open(address)] == []


def test_the_operators_pages_are_sound_with_workers_jobs_plugins_of_others_and_what_the_policy_stopped(
    inspector: Inspector, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, hook = shop.site.services, shop.furnished.hooks["one"]
    others = [LoadedPlugin(name, name, "1.0", "Pager", ("pager",), (), ()) for name in ("flask", "not-installed")]
    monkeypatch.setattr(services.sinks, "plugins", lambda: others)
    stopped = [StoppedByRule("10.0.0.0/8 private", 2, 1, services.clock())]
    monkeypatch.setattr("app.console.views.operator.stopped_by_rule", lambda *_: stopped)
    with running_redis(tmp_path) as url, using_redis(shop.site, url), closing(worker_redis(url)) as redis:
        for _ in range(3):
            DrainWorker(redis, lambda: False).register_birth()
        RedisDoorbell(ring_redis(url), services.clock).ring([hook.partition])
        with services.store.write() as connection:
            assert take_partition(connection, hook.partition, 41, 0)
        take_tick_lease(services.store, "tick", 0, 1)
        pages = [f"/ops/{name}?full=1" for name in ("queues", "plugins", "egress")]
        wrong = [one for page in pages for one in inspector.open(page)]
        # Where a table is wider than its card, whoever has no mouse must be able to scroll it.
        inspector.tab.page.set_viewport_size({"width": 1024, "height": 900})
        for page in pages:
            inspector.tab.page.goto(shop.site.url + page)
            wrong += inspector.tab.glance(1024)
        with services.store.write() as connection:
            release_partitions(connection, [hook.partition], 41)
    assert wrong == []


def test_every_tab_of_a_delivery_is_sound(inspector: Inspector, shop: Shop) -> None:
    page = filled("/o/acme", "webhooks/<webhook>/deliveries/<delivery>", shop.furnished.arguments["/o/acme"])
    assert [one for name in TABS for one in inspector.open(f"{page}?tab={name}")] == []


@pytest.mark.parametrize("colours", ["forced", "contrast"])
def test_the_main_pages_are_sound_in_high_contrast_on_a_tablet(
    browser: Browser, shop: Shop, axe: str, colours: str
) -> None:
    forced: dict[str, Any] = {"forced_colors": "active"} if colours == "forced" else {}
    context = signed_in(browser, shop.site, viewport={"width": 768, "height": 1000}, **forced)
    theme = {"name": "relaypoint_theme", "value": "contrast" if colours == "contrast" else "system"}
    context.add_cookies([{**theme, "url": shop.site.url}])
    tab = Tab(context, axe)
    wrong: list[str] = []
    for path in MAIN:
        address = filled("/o/acme", path, shop.furnished.arguments["/o/acme"])
        tab.page.goto(shop.site.url + address)
        wrong += [f"{address}: {one}" for one in tab.glance(768)]
    context.close()
    assert wrong == []


def test_every_page_that_was_seen_is_valid_html(inspector: Inspector, checkers: Node) -> None:
    assert inspector.html_errors(checkers) == ""
