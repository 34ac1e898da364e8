"""Every page of the console in every state, in a real browser."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext

from app.console.door.same_site import form_token
from app.core.clock import system_clock
from tests.console.pages.conftest import Shop
from tests.console.pages.tab import Tab, signed_in
from tests.npm import Node
from tests.people import PASSWORD, SOMEWHERE, front_door

PLACES = ("/o/void", "/o/void/c/v1", "/o/acme", "/o/acme/c/c1")
"""An organization and a context with nothing in them, and those with all there is."""
PARTS = re.compile(r"<(\w+)>")
NO_MATCH = ("deliveries?q=nothing-begins-so&state=failed", "webhooks/{webhook}/deliveries?state=skipped")
MAIN = (
    "",
    "/webhooks",
    "/webhooks/{webhook}",
    "/webhooks/{webhook}/deliveries",
    "/webhooks/{webhook}/deliveries/{delivery}",
    "/audit",
)
TABS = ("response", "attempts", "event")
FORMS = {
    "/o/acme/webhooks/new": {"name": "x", "type": "instant"},
    "/o/acme/webhooks/{webhook}/save/endpoint": {"endpoint_url": "http://10.0.0.1/"},
    "/o/acme/webhooks/{webhook}/save/conditions": {"filter": "{"},
    "/o/acme/webhooks/{webhook}/redeliver": {"since": ""},
    "/o/acme/change-windows/import": {"text": ""},
    "/o/acme/sources/{source}/settings": {"name": "x"},
    "/o/acme/settings/context": {"service": "entrypoint", "context_name": "", "context_id": "no id"},
    "/o/acme/keys/{key}/signature": {"scheme": "github", "secret": "short"},
}
"""Forms that are refused, and what is wrong with them."""

_SUBMIT = """([address, values]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = address;
    for (const [name, value] of Object.entries(values)) {
        const input = document.createElement("input");
        input.name = name;
        input.value = value;
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture(scope="module")
def window(browser: Browser, shop: Shop) -> Iterator[BrowserContext]:
    context = signed_in(browser, shop.site)
    yield context
    context.close()


@pytest.fixture(scope="module")
def tab(window: BrowserContext, checkers: Node) -> Tab:
    return Tab(window, checkers.file("axe-core/axe.min.js").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every page that was seen is kept for the HTML checker."""
    return tmp_path_factory.mktemp("html")


def pages_below(app: Flask, place: str) -> list[str]:
    """The paths of every page below a place, from the route table; what is downloaded or streamed is no page."""
    base = "/o/<organization>/c/<context>/" if "/c/" in place else "/o/<organization>/"
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.GET")]
    below = [rule.removeprefix(base) for rule in rules if rule.startswith(base)]
    pages = [rule for rule in below if not rule.startswith("c/<") and rule != "live"]
    return [rule for rule in pages if "download" not in rule and "export" not in rule]


def addresses(shop: Shop, place: str) -> Iterator[str]:
    arguments = shop.furnished.arguments[place]
    for path in pages_below(shop.site.app, place):
        names = PARTS.findall(path)
        if all(name in arguments for name in names):
            webhook = arguments["batch's webhook"] if "batch" in names else arguments["webhook"]
            known = {**arguments, "webhook": webhook}
            yield f"{place}/{_filled(path, known)}"


def _filled(path: str, known: dict[str, str]) -> str:
    return PARTS.sub(lambda part: known[part[1]], path)


def keep(folder: Path, address: str, html: str) -> None:
    (folder / (re.sub(r"\W+", "-", address).strip("-") + ".html")).write_text(html)


def seen(tab: Tab, shop: Shop, folder: Path, address: str) -> list[str]:
    tab.messages.clear()
    answer = tab.page.goto(shop.site.url + address)
    assert answer is not None
    assert answer.status == 200, address
    keep(folder, address, answer.text())
    return [f"{address}: {wrong}" for wrong in tab.look()]


def test_every_part_of_a_path_is_something_that_the_tests_have(shop: Shop) -> None:
    known = shop.furnished.arguments["/o/acme"]
    assert [path for path in pages_below(shop.site.app, "/o/acme") if not set(PARTS.findall(path)) <= set(known)] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_every_page_is_sound(tab: Tab, shop: Shop, folder: Path, place: str) -> None:
    wrong = [one for address in addresses(shop, place) for one in seen(tab, shop, folder, address)]
    assert wrong == []


def test_every_page_above_the_organizations_is_sound(tab: Tab, shop: Shop, folder: Path) -> None:
    rules = [rule for rule in shop.site.app.url_map.iter_rules() if rule.endpoint.startswith("console.GET")]
    above = [rule.rule for rule in rules if not rule.arguments]
    assert "/" in above
    above.append("/ops/health?ledger=1")
    assert [one for address in above for one in seen(tab, shop, folder, address)] == []


def test_every_page_where_nothing_matches_is_sound(tab: Tab, shop: Shop, folder: Path) -> None:
    webhook = shop.furnished.arguments["/o/acme"]["webhook"]
    empty = [f"/o/acme/{path.format(webhook=webhook)}" for path in NO_MATCH]
    assert [one for address in empty for one in seen(tab, shop, folder, address)] == []


@pytest.mark.parametrize("colours", ["forced", "contrast"])
def test_the_main_pages_are_sound_in_high_contrast_on_a_tablet(
    browser: Browser, shop: Shop, checkers: Node, colours: str
) -> None:
    forced: dict[str, Any] = {"forced_colors": "active"} if colours == "forced" else {}
    context = signed_in(browser, shop.site, viewport={"width": 768, "height": 1000}, **forced)
    theme = {"name": "relaypoint_theme", "value": "contrast" if colours == "contrast" else "system"}
    context.add_cookies([{**theme, "url": shop.site.url}])
    tab = Tab(context, checkers.file("axe-core/axe.min.js").read_text())
    known = shop.furnished.arguments["/o/acme"]
    wrong: list[str] = []
    for path in MAIN:
        tab.page.goto(f"{shop.site.url}/o/acme{path.format(**known)}")
        wrong += [f"{path}: {one}" for one in tab.glance(768)]
    context.close()
    assert wrong == []


def test_every_tab_of_a_delivery_is_sound(tab: Tab, shop: Shop, folder: Path) -> None:
    known = shop.furnished.arguments["/o/acme"]
    page = f"/o/acme/webhooks/{known['webhook']}/deliveries/{known['delivery']}"
    assert [one for name in TABS for one in seen(tab, shop, folder, f"{page}?tab={name}")] == []


@pytest.mark.parametrize("path", FORMS)
def test_what_a_refused_form_shows_is_sound(tab: Tab, shop: Shop, folder: Path, path: str) -> None:
    address = path.format(**shop.furnished.arguments["/o/acme"])
    token = {"csrf_token": form_token(shop.site.session)}
    with tab.page.expect_navigation() as navigation:
        tab.page.evaluate(_SUBMIT, [shop.site.url + address, {**FORMS[path], **token}])
    answer = navigation.value
    assert answer is not None
    assert answer.status == 422
    keep(folder, f"refused {address}", answer.text())
    assert tab.page.evaluate("document.activeElement.hasAttribute('data-errors')")
    assert tab.look(refused=True) == []


def test_the_page_of_ones_own_account_is_sound(tab: Tab, shop: Shop, folder: Path) -> None:
    front_door(shop.site.services.store, system_clock).sign_in(shop.site.email, PASSWORD, SOMEWHERE)
    assert seen(tab, shop, folder, "/account") == []


def test_a_page_that_is_not_there_is_sound(tab: Tab, shop: Shop, folder: Path) -> None:
    answer = tab.page.goto(f"{shop.site.url}/o/nowhere/webhooks")
    assert answer is not None
    keep(folder, "not there", answer.text())
    assert tab.look(refused=True) == []


def test_every_page_that_was_seen_is_valid_html(folder: Path, checkers: Node) -> None:
    pages = sorted(folder.glob("*.html"))
    assert len(pages) > 30
    jar = checkers.file("vnu-jar/build/dist/vnu.jar")
    command = ("java", "-jar", str(jar), "--format", "gnu", *map(str, pages))
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert checked.stderr == ""
    assert checked.returncode == 0
