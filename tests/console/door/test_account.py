"""One's own account: another password, for whoever knows the present one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.security.login_throttle import PER_ACCOUNT
from app.store import Store, open_store
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
