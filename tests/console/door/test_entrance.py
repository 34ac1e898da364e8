"""The pages of the door, through Flask."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.console.assets import load_assets
from app.console.door.entrance import entrance, local_path
from app.console.door.headers import PAGE_HEADERS
from app.console.door.keeper import DoorKeeper
from app.core.clock import system_clock
from app.core.doorbell import SilentDoorbell
from app.core.errors import OverloadedError
from app.routing.joining import Joining
from app.routing.members import MemberService, NewMember
from app.routing.own_audit import NO_AUDIT
from app.routing.own_changes import OwnChanges
from app.security.front_door import FrontDoor
from app.security.login_throttle import PER_ACCOUNT
from app.settings import Settings
from app.store import Store, open_store
from app.store.tables import organizations
from tests.conftest import MovableClock
from tests.people import EMAIL, PASSWORD, add_member, add_person, front_door
from tests.world import ADMIN

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
LINK = re.compile(r"[A-Za-z0-9_-]{43}")
OWN = {"sec-fetch-site": "same-origin", "origin": "http://localhost"}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def people(store: Store, clock: MovableClock) -> FrontDoor:
    return front_door(store, clock)


def joining_of(people: FrontDoor) -> Joining:
    more = {"clock": people._clock, "random_bytes": secrets.token_bytes}
    changes = OwnChanges(people._store, NO_AUDIT, SilentDoorbell())
    return Joining(people._store, people, changes=changes, **more)  # type: ignore[arg-type]


def application(people: FrontDoor, **settings: object) -> Flask:
    """The door alone, and a page that says who is there."""
    app = Flask("door")
    app.jinja_env.globals["asset"] = load_assets().url
    keeper = DoorKeeper(people, Settings(instance=Path("none"), **settings))  # type: ignore[arg-type]
    app.register_blueprint(entrance(keeper, joining_of(people)))

    @app.get("/")
    def who() -> str:
        found = keeper.signed_in(request)
        return found.person.email if found else "nobody"

    return app


@pytest.fixture
def browser(people: FrontDoor) -> FlaskClient:
    return application(people).test_client()


def token(page: TestResponse) -> str:
    found = TOKEN.search(page.text)
    assert found, page.text
    return found[1]


def log_in(browser: FlaskClient, password: str = PASSWORD, **more: str) -> TestResponse:
    form = {"email": EMAIL, "password": password, "csrf_token": token(browser.get("/login")), **more}
    return browser.post("/login", data=form, headers=OWN)


def test_a_person_signs_in_and_out_again(store: Store, browser: FlaskClient) -> None:
    add_person(store)
    assert browser.get("/").text == "nobody"
    assert (log_in(browser).status_code, browser.get("/").text) == (303, EMAIL)
    assert browser.get("/login").location == "/"
    page = browser.get("/logout")
    assert EMAIL in page.text
    assert browser.post("/logout", data={"csrf_token": token(page)}, headers=OWN).location == "/login"
    assert browser.get("/").text == "nobody"


def test_signing_out_everywhere_ends_the_session_of_another_browser(
    store: Store, browser: FlaskClient, people: FrontDoor
) -> None:
    add_person(store)
    other = application(people).test_client()
    log_in(browser)
    log_in(other)
    form = {"csrf_token": token(browser.get("/logout"))}
    assert browser.post("/logout/everywhere", data=form, headers=OWN).status_code == 303
    assert (browser.get("/").text, other.get("/").text) == ("nobody", "nobody")


def test_a_wrong_password_is_told_without_saying_what_is_wrong(store: Store, browser: FlaskClient) -> None:
    add_person(store)
    answer = log_in(browser, "wrong")
    assert answer.status_code == 422
    assert "The e-mail address or the password is wrong." in answer.text
    assert "wrong" not in answer.text.replace("is wrong", "")
    unknown = log_in(browser, email="nobody@example.com")
    hidden = re.compile(r'value="[^"]*"')
    assert hidden.sub("", unknown.text) == hidden.sub("", answer.text)


def test_too_many_tries_are_answered_with_429_and_when_to_come_back(store: Store, browser: FlaskClient) -> None:
    add_person(store)
    for _ in range(PER_ACCOUNT):
        assert log_in(browser, "wrong").status_code == 422
    answer = log_in(browser)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({"origin": "http://localhost"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:81"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
    ],
)
def test_a_form_of_another_site_is_refused(
    store: Store, browser: FlaskClient, headers: dict[str, str], status: int
) -> None:
    add_person(store)
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token(browser.get("/login"))}
    assert browser.post("/login", data=form, headers=headers).status_code == status


@pytest.mark.parametrize("sent", [None, "", "x", "é", "\ud800"])
def test_no_form_is_taken_without_its_token(store: Store, browser: FlaskClient, sent: str | None) -> None:
    add_person(store)
    browser.get("/login")
    form = {"email": EMAIL, "password": PASSWORD, **({} if sent is None else {"csrf_token": sent})}
    data = {name: value.encode(errors="surrogatepass") for name, value in form.items()}
    for path in ("/login", "/logout", "/logout/everywhere", "/setup", "/password"):
        assert browser.post(path, data=data, headers=OWN).status_code == 403, path


def test_the_token_of_one_browser_is_worth_nothing_in_another(
    store: Store, browser: FlaskClient, people: FrontDoor
) -> None:
    add_person(store)
    other = application(people).test_client()
    log_in(browser)
    log_in(other)
    form = {"csrf_token": token(other.get("/logout"))}
    assert browser.post("/logout", data=form, headers=OWN).status_code == 403
    assert browser.get("/").text == EMAIL


def cookies(answer: TestResponse) -> dict[str, str]:
    return {one.split("=")[0]: one for one in answer.headers.getlist("set-cookie")}


def test_over_https_the_cookie_is_bound_to_the_host(store: Store, people: FrontDoor) -> None:
    add_person(store)
    app = application(people, public_url="https://relay.example")
    browser = app.test_client()
    there = {"base_url": "https://relay.example"}
    page = browser.get("/login", **there)  # type: ignore[arg-type]
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token(page)}
    own = {"sec-fetch-site": "same-origin", "origin": "https://relay.example"}
    answer = browser.post("/login", data=form, headers=own, **there)  # type: ignore[arg-type]
    cookie = cookies(answer)["__Host-relaypoint"]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=604800"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.get("/login", base_url="https://other.example").status_code == 421


def test_over_plain_http_the_cookie_has_another_name(store: Store, browser: FlaskClient) -> None:
    add_person(store)
    answer = log_in(browser)
    cookie = cookies(answer)["relaypoint-http"]
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "strict-transport-security" not in answer.headers


def test_every_answer_of_the_door_has_the_headers_of_a_page(browser: FlaskClient) -> None:
    answers = [browser.get(path) for path in ("/login", "/logout", "/setup", "/password?link=x")]
    answers.append(browser.post("/login"))
    for answer in answers:
        assert {name: answer.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert " style=" not in answer.text
        assert "<script>" not in answer.text


def test_the_first_person_is_set_up_by_the_link_and_signed_in(people: FrontDoor, browser: FlaskClient) -> None:
    link = people.setup_link()
    assert link is not None
    page = browser.get("/setup", query_string={"link": link})
    form = {"link": link, "csrf_token": token(page), "name": "Ada", "email": EMAIL, "password": "short"}
    refused = browser.post("/setup", data=form, headers=OWN)
    assert refused.status_code == 422
    assert "The password must have 12 to 256 characters." in refused.text
    assert "short" not in refused.text
    form["password"] = PASSWORD
    assert browser.post("/setup", data=form, headers=OWN).status_code == 303
    assert browser.get("/").text == EMAIL
    assert browser.get("/setup", query_string={"link": link}).status_code == 410


def test_a_new_password_is_set_by_the_link(store: Store, people: FrontDoor, browser: FlaskClient) -> None:
    add_person(store)
    link = people.password_link(EMAIL)
    page = browser.get("/password", query_string={"link": link})
    form = {"link": link, "csrf_token": token(page), "password": "another good password"}
    assert browser.post("/password", data=form, headers=OWN).status_code == 303
    assert browser.get("/").text == EMAIL
    assert browser.post("/password", data={**form, "csrf_token": token(browser.get("/logout"))}).status_code == 410


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/o/acme/webhooks?state=failed", "/o/acme/webhooks?state=failed"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("/\t/evil.example", "/"),
        ("/" + "a" * 5000, "/"),
    ],
)
def test_after_log_in_one_goes_on_to_a_page_of_ours_only(asked: str, path: str) -> None:
    assert local_path(asked) == path


def test_what_is_too_much_at_the_moment_is_said_on_a_page(
    people: FrontDoor, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> str:
        raise OverloadedError("too many log-ins are under way")

    link = people.setup_link()
    token = TOKEN.findall(browser.get(f"/setup?link={link}").text)[0]
    monkeypatch.setattr(FrontDoor, "new_hash", busy)
    asked = {"csrf_token": token, "link": link, "name": "Ada", "email": EMAIL, "password": PASSWORD}
    answer = browser.post("/setup", data=asked, headers=OWN)
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "Too many log-ins are under way" in answer.text


def test_the_page_one_wanted_comes_after_log_in(store: Store, browser: FlaskClient) -> None:
    user = add_person(store)
    add_member(store, user, "viewer")
    assert 'value="/o/acme/"' in browser.get("/login?next=/o/acme/").text
    assert log_in(browser, next="/o/acme/").location == "/o/acme/"


def test_what_somebody_typed_is_shown_as_text(browser: FlaskClient) -> None:
    page = log_in(browser, email='"><script>alert(1)</script>')
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.fixture
def invitation(store: Store) -> str:
    """The path of a link that invites Ada to acme."""
    with store.write() as connection:
        connection.execute(organizations.insert().values(id="acme", name="Acme <i>", created_at=1))
    more = {"clock": system_clock, "random_bytes": secrets.token_bytes}
    members = MemberService(store, changes=OwnChanges(store, NO_AUDIT, SilentDoorbell()), **more)  # type: ignore[arg-type]
    made: str = members.invite(ADMIN, "acme", NewMember(email=EMAIL, role="viewer"))["invitation"]["path"]
    return made


def test_somebody_new_joins_with_name_and_password(browser: FlaskClient, people: FrontDoor, invitation: str) -> None:
    page = browser.get(invitation)
    assert "Join Acme &lt;i&gt;" in page.text
    form = {"link": invitation.split("=")[1], "csrf_token": token(page), "name": "Ada", "password": "short"}
    refused = browser.post("/join", data=form, headers=OWN)
    assert (refused.status_code, "12 to 256 characters" in refused.text) == (422, True)
    assert browser.post("/join", data={**form, "password": PASSWORD}, headers=OWN).status_code == 303
    assert browser.get("/").text == EMAIL
    assert browser.get(invitation).status_code == 410
    assert browser.post("/join", data={**form, "csrf_token": token(browser.get("/logout"))}).status_code == 410


def test_somebody_with_an_account_signs_in_first_and_comes_back(
    store: Store, browser: FlaskClient, invitation: str
) -> None:
    add_person(store)
    form = {"link": invitation.split("=")[1], "name": "Ada", "password": PASSWORD}
    page = browser.get(invitation)
    assert "Sign in to join" in page.text
    answer = browser.post("/join", data={**form, "csrf_token": token(browser.get("/login"))}, headers=OWN)
    assert answer.status_code == 409
    assert log_in(browser, next=invitation).location == invitation
    form["csrf_token"] = token(browser.get(invitation))
    assert browser.post("/join", data=form, headers=OWN).location == "/"


def test_somebody_else_cannot_take_the_invitation_up(store: Store, browser: FlaskClient, invitation: str) -> None:
    add_person(store, "bob@example.com")
    log_in(browser, email="bob@example.com")
    assert "You are signed in as bob@example.com" in browser.get(invitation).text
    form = {"link": invitation.split("=")[1], "csrf_token": token(browser.get("/logout"))}
    assert browser.post("/join", data=form, headers=OWN).status_code == 403
