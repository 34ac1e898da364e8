"""One's own account: another password, for whoever knows the present one, and where one is signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.console.door.browsers import browser_words
from app.security.login_throttle import PER_ACCOUNT
from app.security.tokens import token_digest
from app.store import Store, open_store
from app.store.tables_people import users
from tests.conftest import MovableClock
from tests.console.door.test_entrance import OWN, application, log_in, token
from tests.people import EMAIL, PASSWORD, add_person, front_door

WANTED = "a wholly different one"


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def browsers(store: Store, clock: MovableClock) -> tuple[FlaskClient, FlaskClient]:
    """Two browsers of the same person, signed in."""
    add_person(store)
    people = front_door(store, clock)
    one, other = (application(people).test_client() for _ in range(2))
    log_in(one)
    log_in(other)
    return one, other


def change(browser: FlaskClient, present: str = PASSWORD, wanted: str = WANTED) -> TestResponse:
    form = {"present": present, "password": wanted, "csrf_token": token(browser.get("/account"))}
    return browser.post("/account", data=form, headers=OWN)


def test_another_password_ends_every_other_session(browsers: tuple[FlaskClient, FlaskClient]) -> None:
    one, other = browsers
    assert change(one).status_code == 303
    assert (one.get("/").text, other.get("/").text) == (EMAIL, "nobody")
    assert log_in(other).status_code == 422
    assert log_in(other, WANTED).status_code == 303


def test_whoever_has_no_password_is_not_asked_for_it(browsers: tuple[FlaskClient, FlaskClient], store: Store) -> None:
    one, _ = browsers
    assert 'name="present"' in one.get("/account").text
    with store.write() as connection:
        connection.execute(update(users).values(password_hash=None))
    assert 'name="present"' not in one.get("/account").text
    refused = change(one)
    assert refused.status_code == 422
    assert "There is no password to change any more." in refused.text


@pytest.mark.parametrize(
    ("present", "wanted", "words"),
    [("wrong", WANTED, "The present password is another one."), (PASSWORD, "short", "The password ")],
)
def test_what_does_not_fit_changes_nothing(
    browsers: tuple[FlaskClient, FlaskClient], present: str, wanted: str, words: str
) -> None:
    one, other = browsers
    answer = change(one, present, wanted)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert (one.get("/").text, other.get("/").text) == (EMAIL, EMAIL)


def test_a_stolen_session_cannot_guess_the_password_without_end(browsers: tuple[FlaskClient, FlaskClient]) -> None:
    one, _ = browsers
    answers = [change(one, f"guess {number}").status_code for number in range(PER_ACCOUNT + 1)]
    assert answers == [422] * PER_ACCOUNT + [429]


def test_nobody_sees_the_page_without_signing_in(store: Store, clock: MovableClock) -> None:
    browser = application(front_door(store, clock)).test_client()
    assert browser.get("/account").location == "/login?next=/account"
    assert browser.post("/account", headers=OWN).status_code == 403


def listed(browser: FlaskClient) -> list[str]:
    """The addresses that end each session but the one that asks."""
    return re.findall(r'action="(/account/sessions/ses_[a-z2-7]{16}/end)"', browser.get("/account").text)


def end(browser: FlaskClient, address: str) -> TestResponse:
    return browser.post(address, data={"csrf_token": token(browser.get("/account"))}, headers=OWN)


def test_ones_sessions_are_listed_without_their_tokens(browsers: tuple[FlaskClient, FlaskClient]) -> None:
    one, other = browsers
    page = one.get("/account").text
    assert page.count("This one") == 1
    assert page.count("From 127.0.0.1") == 2
    assert len(listed(one)) == 1
    for browser in (one, other):
        cookie = browser.get_cookie("relaypoint-http")
        assert cookie is not None
        assert cookie.value not in page
        assert token_digest(cookie.value).hex() not in page


def test_one_session_is_signed_out_from_another(browsers: tuple[FlaskClient, FlaskClient]) -> None:
    one, other = browsers
    assert end(one, listed(one)[0]).location == "/account"
    assert (one.get("/").text, other.get("/").text) == (EMAIL, "nobody")
    assert listed(one) == []


def test_every_other_session_ends_and_this_one_stays(browsers: tuple[FlaskClient, FlaskClient]) -> None:
    one, other = browsers
    assert end(other, "/account/sessions/others/end").location == "/account"
    assert (one.get("/").text, other.get("/").text) == ("nobody", EMAIL)


def test_a_session_of_somebody_else_stays(
    browsers: tuple[FlaskClient, FlaskClient], store: Store, clock: MovableClock
) -> None:
    one, _ = browsers
    add_person(store, "bob@example.com")
    bob = application(front_door(store, clock)).test_client()
    log_in(bob, email="bob@example.com")
    assert listed(bob) == []
    for address in (*listed(one), "/account/sessions/others/end"):
        end(bob, address)
    assert len(listed(one)) == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/26 Safari/605.1",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) CriOS/156 Mobile Safari/604.1", "Chrome on iPhone"),
        ("curl/8.17.0", "curl"),
        ("Something else/1.0", "Something else/1.0"),
        ("", "A browser that does not say which"),
    ],
)
def test_a_browser_is_told_in_words(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words
