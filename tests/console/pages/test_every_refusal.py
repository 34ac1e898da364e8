"""Every form of the console and its door, refused, and every page that says that something went wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from app.console.door.keeper import MAX_FORM_BYTES
from app.core.clock import system_clock
from app.routing.members import NewMember
from app.security.links import Purpose, create_link
from tests.console.pages.conftest import Shop
from tests.console.pages.inspector import Inspector
from tests.console.pages.refusals import ABOVE, BELOW, DOOR, NOT_ALLOWED, NOT_THERE, TYPED_WRONG, Refusal
from tests.console.pages.routes import PARTS, above, filled, forms_below, pages_below
from tests.console.pages.tab import Tab, signed_in
from tests.console.site import built_site, served
from tests.npm import Node
from tests.people import PASSWORD, SOMEWHERE, front_door
from tests.world import ADMIN

FULL = ("/o/acme", "/o/acme/c/c1")
VIEWED = ("", "webhooks", "webhooks/<webhook>", "sources/<source>")
HIDDEN = ("/o/acme/members", "/o/acme/webhooks/new", "/ops/health")
GONE, TOO_LARGE, UNAVAILABLE = 410, 413, 503


@pytest.fixture(scope="module")
def links(shop: Shop) -> dict[str, str]:
    """A link of each kind that the door takes."""
    services, now = shop.site.services, shop.site.world.clock()
    with services.store.write() as connection:
        setup, _ = create_link(connection, Purpose.SETUP, "", now=now, random_bytes=secrets.token_bytes)
    invited = services.members.invite(ADMIN, "acme", NewMember(email="new@example.com", role="viewer"))
    password = services.people.password_link(shop.site.email)
    return {"setup": setup, "password": password, "join": invited["invitation"]["path"].partition("link=")[2]}


@pytest.fixture
def stranger(browser: Browser, shop: Shop, axe: str, tmp_path: Path) -> Iterator[Inspector]:
    """A browser in which nobody is signed in."""
    context = signed_in(browser, shop.site)
    context.clear_cookies()
    yield Inspector(Tab(context, axe), shop.site, tmp_path)
    context.close()


def test_every_form_is_known_to_the_tests(shop: Shop) -> None:
    app = shop.site.app
    assert set().union(*(forms_below(app, place) for place in FULL)) == set(BELOW)
    assert above(app, "console.", "POST") == set(ABOVE)
    assert above(app, "door.", "POST") == set(DOOR)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", FULL)
def test_what_a_refused_form_shows_is_sound(inspector: Inspector, shop: Shop, place: str) -> None:
    known = shop.furnished.arguments[place]
    wrong = []
    for path in forms_below(shop.site.app, place):
        refusal = BELOW[path]
        replaced = {part: known.get(other, other) for part, other in refusal.instead.items()}
        wrong += sent(inspector, filled(place, path, known | replaced), refusal)
    assert wrong == []


def test_what_a_refused_form_below_no_place_shows_is_sound(inspector: Inspector) -> None:
    assert [one for path, refusal in ABOVE.items() for one in sent(inspector, path, refusal)] == []


def test_what_a_refused_form_of_the_door_shows_is_sound(inspector: Inspector, links: dict[str, str]) -> None:
    wrong = []
    for path, refusal in DOOR.items():
        typed = {name: value.format(**links) for name, value in refusal.typed.items()}
        address = filled("", path.strip("/"), {"session_id": "gone"})
        wrong += inspector.send(address, typed, refusal.status, is_stale=refusal.is_stale)
    assert wrong == []


def sent(inspector: Inspector, address: str, refusal: Refusal) -> list[str]:
    wrong = inspector.send(address, refusal.typed, refusal.status, is_stale=refusal.is_stale)
    at_errors = "document.activeElement.hasAttribute('data-errors')"
    if refusal.status == TYPED_WRONG and not inspector.tab.page.evaluate(at_errors):
        wrong.append(f"{address}: the focus is not on what is wrong")
    return wrong


def test_the_pages_of_the_door_are_sound(stranger: Inspector, links: dict[str, str], checkers: Node) -> None:
    pages = ["/login", *(f"/{kind}?link={link}" for kind, link in links.items())]
    wrong = [one for address in pages for one in stranger.open(address)]
    wrong += [one for kind in links for one in stranger.open(f"/{kind}?link=used", GONE)]
    wrong += stranger.send("/login", {"email": "nobody@example.com", "password": "wrong"}, NOT_ALLOWED, is_stale=True)
    assert wrong == []
    assert stranger.html_errors(checkers) == ""


def test_the_pages_of_ones_own_account_are_sound(inspector: Inspector, shop: Shop, links: dict[str, str]) -> None:
    front_door(shop.site.services.store, system_clock).sign_in(shop.site.email, PASSWORD, SOMEWHERE)
    pages = ("/account", "/logout", f"/join?link={links['join']}")
    assert [one for address in pages for one in inspector.open(address)] == []


def test_what_is_not_there_and_what_is_too_large_is_said_soundly(inspector: Inspector, shop: Shop) -> None:
    wrong = inspector.open("/o/nowhere/webhooks", NOT_THERE)
    wrong += inspector.open("/o/acme/no-such-page", NOT_THERE)
    for path in pages_below(shop.site.app, "/o/acme"):
        names = PARTS.findall(path)
        if names:
            wrong += inspector.open(
                filled("/o/acme", path, dict.fromkeys((*names, "batch's webhook"), "gone")), NOT_THERE
            )
    wrong += inspector.send("/o/acme/webhooks/new", {"name": "x" * (MAX_FORM_BYTES + 1)}, TOO_LARGE)
    assert wrong == []


def test_what_a_role_may_not_see_is_said_soundly(
    browser: Browser, shop: Shop, axe: str, tmp_path: Path, checkers: Node
) -> None:
    """A viewer of one organization: what is refused, and what is left of the pages."""
    owner = shop.site.email, shop.site.session
    shop.site.sign_in("viewer", "acme")
    context = signed_in(browser, shop.site)
    viewer = Inspector(Tab(context, axe), shop.site, tmp_path)
    wrong = [
        one for path in VIEWED for one in viewer.open(filled("/o/acme", path, shop.furnished.arguments["/o/acme"]))
    ]
    wrong += [one for path in HIDDEN for one in viewer.open(path, NOT_ALLOWED)]
    context.close()
    shop.site.email, shop.site.session = owner
    assert wrong == []
    assert viewer.html_errors(checkers) == ""


def test_that_the_database_is_away_is_said_soundly(
    browser: Browser, axe: str, tmp_path_factory: pytest.TempPathFactory, checkers: Node
) -> None:
    folder = tmp_path_factory.mktemp("html")
    with built_site(tmp_path_factory.mktemp("away")) as site, served(site):
        with site.services.store.write() as connection:
            connection.execute(text("DROP TABLE sessions"))
        context = signed_in(browser, site)
        visitor = Inspector(Tab(context, axe), site, folder)
        wrong = [one for path in ("/", "/o/acme/webhooks", "/login") for one in visitor.open(path, UNAVAILABLE)]
        context.close()
    assert wrong == []
    assert visitor.html_errors(checkers) == ""


def test_every_page_that_was_seen_is_valid_html(inspector: Inspector, checkers: Node) -> None:
    assert inspector.html_errors(checkers) == ""
