"""What people see who sign in at an OpenID provider: the way there and back, and every end that it can have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser
from sqlalchemy import delete

from app.security.login_throttle import PER_ADDRESS
from app.store.tables_people import login_attempts
from tests.console.door.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, openid_provider
from tests.console.pages.inspector import Inspector
from tests.console.pages.tab import Tab
from tests.console.site import Site, built_site, served
from tests.npm import Node

BAD_GATEWAY, FORBIDDEN, TOO_MANY, TYPED_WRONG = 502, 403, 429, 422
BUTTON = "Use your organization's account"
GO = "/login/provider?next=/o/acme/webhooks"


@dataclass(frozen=True)
class Return:
    """How the provider fails somebody, and what is then said.

    Args:
        status: of the answer.
        words: in it.
        provider: how the provider is.
        claims: what it says of the person.
    """

    status: int
    words: str
    provider: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)


RETURNS = {
    "nobody": Return(
        FORBIDDEN, "Nobody here has the e-mail address", claims={"sub": "bob", "email": "bob@example.com"}
    ),
    "not vouched": Return(
        FORBIDDEN, "does not vouch for your e-mail address", claims={"sub": "bob", "email_verified": False}
    ),
    "its refusal": Return(FORBIDDEN, "The provider did not sign you in.", {"refusal": "access_denied"}),
    "its lie": Return(FORBIDDEN, "not to be believed", {"lies": {"aud": "another"}}),
    "its name": Return(BAD_GATEWAY, "calls itself by another name", {"issuer": "https://evil.example"}),
    "its silence": Return(BAD_GATEWAY, "The provider did not answer; try again later.", {"is_silent": True}),
    "its silence on the way": Return(BAD_GATEWAY, "The provider did not answer; try again later.", {"leaves": True}),
}


@pytest.fixture(scope="module")
def running() -> Iterator[OpenIdProvider]:
    with openid_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def place(running: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console with a provider. Its name is another site than the provider's, as browsers see it."""
    shared = {"oidc_issuer": running.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    with built_site(tmp_path_factory.mktemp("provider"), **shared) as site, served(site):
        site.url = site.url.replace("127.0.0.1", "localhost")
        yield site


@pytest.fixture
def provider(running: OpenIdProvider, place: Site) -> OpenIdProvider:
    """As it should be, and the site's owner is signed in at it."""
    running.claims = {"sub": "owner-at-provider", "email": place.email, "email_verified": True}
    running.lies, running.header, running.issuer = {}, {}, None
    running.refusal, running.is_silent, running.leaves = None, False, False
    with place.services.store.write() as connection:
        connection.execute(delete(login_attempts))
    return running


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("html")


@pytest.fixture
def stranger(browser: Browser, place: Site, axe: str, seen: Path) -> Iterator[Inspector]:
    """A browser in which nobody is signed in."""
    context = browser.new_context(reduced_motion="reduce")
    yield Inspector(Tab(context, axe), place, seen)
    context.close()


def test_the_log_in_page_offers_the_provider(stranger: Inspector) -> None:
    assert stranger.open("/login?next=/o/acme/webhooks") == []
    button = stranger.tab.page.get_by_role("link", name=BUTTON)
    assert button.evaluate("(it) => it.scrollWidth <= it.clientWidth"), "its words stay inside, narrow as the page is"


@pytest.mark.parametrize("name", RETURNS)
def test_a_return_that_ends_outside_says_why(stranger: Inspector, provider: OpenIdProvider, name: str) -> None:
    ending = RETURNS[name]
    vars(provider).update(ending.provider)
    provider.claims |= ending.claims
    assert stranger.open(GO, ending.status) == []
    assert ending.words in stranger.tab.page.inner_text("[role=alert]")
    assert stranger.tab.page.get_by_role("link", name=BUTTON).is_visible(), "and one may try again"


def test_a_return_to_another_browser_or_a_second_one_says_why(
    stranger: Inspector, place: Site, provider: OpenIdProvider
) -> None:
    there = place.app.test_client().get("/login/provider", base_url=place.url)
    back = urlsplit(provider.authorize(dict(parse_qsl(urlsplit(there.location).query))))
    for query in (back.query, "state=x", ""):
        assert stranger.open(f"{back.path}?{query}", FORBIDDEN) == []
        assert "did not begin here" in stranger.tab.page.inner_text("[role=alert]")


def test_too_many_ways_to_the_provider_are_refused_in_words(
    stranger: Inspector, place: Site, provider: OpenIdProvider
) -> None:
    client = place.app.test_client()
    for _ in range(PER_ADDRESS):
        assert client.get("/login/provider", base_url=place.url).location.startswith(provider.url)
    assert stranger.open(GO, TOO_MANY) == []


@pytest.mark.usefixtures("provider")
def test_whoever_signs_in_at_the_provider_arrives_where_they_wanted_and_has_no_password(
    stranger: Inspector, place: Site
) -> None:
    page = stranger.tab.page
    page.goto(f"{place.url}/login?next=/account")
    page.get_by_role("link", name=BUTTON).click()
    page.wait_for_url(f"{place.url}/account")
    assert stranger.open("/account") == []
    assert page.locator("[type=password]").count() == 0
    assert "You sign in with your organization's account" in page.inner_text("main")


def test_every_page_that_was_seen_is_valid_html(stranger: Inspector, checkers: Node) -> None:
    assert stranger.html_errors(checkers) == ""
