"""Log-in at an OpenID provider, over a socket and through the guarded client."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.api.application import EXTENSION
from app.core.clock import system_clock
from app.security.front_door import WrongCredentialsError
from app.security.login_throttle import PER_ADDRESS
from app.security.users import set_disabled
from app.services import Services
from app.settings import Settings, SettingsError, load_settings
from app.store.tables_people import door_links
from app.web import create_app
from tests.console.door.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, openid_provider
from tests.people import EMAIL, PASSWORD, SOMEWHERE, add_member, add_person

ADA = {"sub": "ada-at-provider", "email": "Ada@Example.com", "email_verified": True}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenIdProvider]:
    with openid_provider() as running:
        yield running


@pytest.fixture
def provider(server: OpenIdProvider) -> OpenIdProvider:
    server.claims, server.lies, server.header, server.signing_key, server.issuer = dict(ADA), {}, {}, None, None
    return server


class Installation:
    """A console whose people may sign in at the provider."""

    def __init__(self, url: str, folder: Path, provider: OpenIdProvider, **more: Any) -> None:
        given = {
            "instance": folder,
            "database_url": url,
            "egress_allow": ("127.0.0.0/8",),
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
        }
        self.app = create_app(Settings(**(given | more)))
        self.services: Services = self.app.extensions[EXTENSION]
        self.provider = provider
        self.browser = self.app.test_client()

    def add_person(self) -> str:
        user = add_person(self.services.store, now=system_clock())
        add_member(self.services.store, user, "owner")
        return user

    def go(self, browser: FlaskClient | None = None) -> str:
        """To the provider; answers where it sends the browser back to."""
        there = (browser or self.browser).get("/login/provider?next=/o/acme/webhooks")
        assert there.status_code == 303, there.text
        parts = urlsplit(there.location)
        assert f"{parts.scheme}://{parts.netloc}" == self.provider.url
        return self.provider.authorize(dict(parse_qsl(parts.query)))

    def sign_in(self) -> TestResponse:
        return self.browser.get(self.go(), headers={"sec-fetch-site": "cross-site"})

    def is_in(self) -> bool:
        return self.browser.get("/logout").status_code == 200


@contextmanager
def built(url: str, folder: Path, provider: OpenIdProvider, **more: Any) -> Iterator[Installation]:
    made = Installation(url, folder, provider, **more)
    with closing(made.services.egress), closing(made.services.store):
        yield made


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path, provider: OpenIdProvider) -> Iterator[Installation]:
    with built(sqlite_url, tmp_path, provider) as made:
        made.add_person()
        yield made


def test_a_known_person_comes_back_signed_in_at_the_page_that_was_wanted(place: Installation) -> None:
    assert "/login/provider?next=" in place.browser.get("/login?next=/o/acme/").text
    answer = place.sign_in()
    assert (answer.status_code, answer.location) == (303, "/o/acme/webhooks")
    assert EMAIL in place.browser.get("/logout").text


def test_nobody_makes_us_ask_the_provider_without_end(place: Installation) -> None:
    for _ in range(PER_ADDRESS):
        assert place.browser.get("/login/provider").status_code == 303
    answer = place.browser.get("/login/provider")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


def test_neither_code_nor_state_works_twice(place: Installation) -> None:
    back = place.go()
    assert place.browser.get(back).status_code == 303
    asked = place.provider.token_requests
    assert place.browser.get(back).status_code == 403
    assert place.provider.token_requests == asked


def test_a_log_in_that_began_in_another_browser_does_not_end_here(place: Installation) -> None:
    """Else somebody could sign a victim in to an account of their own, or the other way round."""
    foreign = place.go(place.app.test_client())
    asked = place.provider.token_requests
    for address in (foreign, foreign.replace("state=", "state=x"), foreign.split("?")[0]):
        assert place.browser.get(address).status_code == 403
    assert (place.provider.token_requests, place.is_in()) == (asked, False)


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"]},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"email": "bob@example.com"},
        {"email": "no address"},
        {"email": ["ada@example.com"]},
    ],
)
def test_a_token_that_is_not_about_this_log_in_and_a_known_person_is_not_believed(
    place: Installation, lies: dict[str, Any]
) -> None:
    place.provider.lies = lies
    answer = place.sign_in()
    assert (answer.status_code, place.is_in()) == (403, False)


def test_a_token_must_be_signed_with_the_providers_published_key(place: Installation) -> None:
    place.provider.signing_key = rsa.generate_private_key(65537, 2048)
    assert place.sign_in().status_code == 403
    place.provider.signing_key = None
    for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"kid": "k2"}, {"crit": ["x"], "x": 1}):
        place.provider.header = header
        assert place.sign_in().status_code == 403, header
    assert not place.is_in()


def test_a_provider_that_calls_itself_another_is_not_asked(place: Installation) -> None:
    place.provider.issuer = "https://evil.example"
    answer = place.browser.get("/login/provider")
    assert (answer.status_code, "another name" in answer.text) == (502, True)


def test_who_a_person_is_there_counts_from_the_first_log_in_on_whatever_the_address(place: Installation) -> None:
    before = place.services.people.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    assert place.sign_in().status_code == 303
    assert place.services.people.person(before) is None
    with pytest.raises(WrongCredentialsError):
        place.services.people.sign_in(EMAIL, PASSWORD, SOMEWHERE)
    place.provider.claims |= {"email": "ada.lovelace@example.com"}
    assert place.sign_in().status_code == 303
    place.provider.claims |= {"sub": "somebody-else", "email": EMAIL}
    place.browser = place.app.test_client()
    assert place.sign_in().status_code == 403


def test_a_disabled_person_stays_outside(place: Installation) -> None:
    with place.services.store.write() as connection:
        user = connection.exec_driver_sql("SELECT id FROM users").scalar_one()
        set_disabled(connection, user, 1)
    assert place.sign_in().status_code == 403


def test_a_log_in_that_takes_too_long_begins_again(place: Installation) -> None:
    back = place.go()
    with place.services.store.write() as connection:
        connection.execute(update(door_links).values(expires_at=1))
    assert place.browser.get(back).status_code == 403


def test_what_is_kept_of_a_log_in_is_of_no_use_without_the_browser(place: Installation) -> None:
    back = place.go()
    state = dict(parse_qsl(urlsplit(back).query))["state"]
    cookie = place.browser.get_cookie("relaypoint-visit-http")
    assert cookie is not None
    with place.services.store.read() as connection:
        kept = str(connection.execute(select(door_links)).all())
    assert state not in kept
    assert cookie.value not in kept


def test_the_provider_is_asked_over_the_guarded_road_only(
    sqlite_url: str, tmp_path: Path, provider: OpenIdProvider
) -> None:
    with built(sqlite_url, tmp_path, provider, egress_allow=()) as place:
        answer = place.browser.get("/login/provider")
    assert (answer.status_code, "did not answer" in answer.text) == (502, True)


def test_without_a_provider_there_is_no_such_way(sqlite_url: str, tmp_path: Path, provider: OpenIdProvider) -> None:
    with built(sqlite_url, tmp_path, provider, oidc_issuer=None, oidc_client_id=None) as place:
        assert "/login/provider" not in place.browser.get("/login").text
        assert place.browser.get("/login/provider").status_code == 404


def test_a_provider_without_a_client_id_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="OIDC_CLIENT_ID"):
        load_settings({"RELAYPOINT_OIDC_ISSUER": "https://login.example.com"})
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        load_settings({"RELAYPOINT_OIDC_ISSUER": "login.example.com", "RELAYPOINT_OIDC_CLIENT_ID": "x"})
    secret = base64.b64encode(b"hidden").decode()
    environ = {"RELAYPOINT_OIDC_ISSUER": "https://a", "RELAYPOINT_OIDC_CLIENT_ID": "x"}
    settings = load_settings(environ | {"RELAYPOINT_OIDC_CLIENT_SECRET": secret})
    assert secret not in repr(settings)
