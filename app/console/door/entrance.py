"""The pages of the door: ``/login``, ``/logout``, ``/setup``, ``/password`` and ``/join``."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import HTTPException

from app.console.door.account import add_account_pages
from app.console.door.answers import AFTER_LOGIN, door_page, local_path, onward, wrong_input
from app.console.door.headers import add_page_headers
from app.console.door.invitations import add_join_pages
from app.console.door.keeper import DoorKeeper
from app.console.door.provider import add_provider_pages
from app.console.theme import theme_of
from app.core.errors import ForbiddenError, InvalidInputError, OverloadedError, TemporaryError
from app.routing.joining import Joining
from app.security.front_door import LinkGoneError, WrongCredentialsError
from app.security.links import Purpose
from app.security.login_throttle import TooManyTriesError
from app.security.oidc_login import OidcLogin

_STATUS: dict[type[Exception], HTTPStatus] = {
    ForbiddenError: HTTPStatus.FORBIDDEN,
    LinkGoneError: HTTPStatus.GONE,
    TemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What any page of the door may end with, besides what its form says itself."""


def entrance(keeper: DoorKeeper, joining: Joining, provider_login: OidcLogin | None = None) -> Blueprint:
    """The pages of the door."""
    pages = Blueprint("door", __name__, template_folder="templates")
    keeper.guard(pages)
    add_page_headers(pages, keeper.settings)
    pages.context_processor(lambda: {"theme": theme_of(request), "has_provider": provider_login is not None})
    pages.register_error_handler(HTTPException, _refused)
    for kind in _STATUS:
        pages.register_error_handler(kind, _refused)
    _login_pages(pages, keeper)
    _logout_pages(pages, keeper)
    _link_pages(pages, keeper)
    add_account_pages(pages, keeper)
    add_join_pages(pages, keeper, joining)
    if provider_login is not None:
        add_provider_pages(pages, keeper, provider_login)
    return pages


def _login_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/login")
    def login() -> Response:
        wanted = local_path(request.args.get("next", ""))
        if keeper.signed_in(request) is not None:
            return onward(wanted)
        return door_page(keeper, "login.html", next=wanted)

    @pages.post("/login")
    def log_in() -> Response:
        email, wanted = request.form.get("email", ""), local_path(request.form.get("next", ""))
        again = {"next": wanted, "email": email}
        try:
            session = people.sign_in(email, request.form.get("password", ""), keeper.caller(request))
        except WrongCredentialsError as error:
            return door_page(keeper, "login.html", HTTPStatus.UNPROCESSABLE_ENTITY, error=str(error), **again)
        except TooManyTriesError as error:
            answer = door_page(keeper, "login.html", HTTPStatus.TOO_MANY_REQUESTS, error=str(error), **again)
            answer.headers["retry-after"] = str(error.retry_after_s)
            return answer
        except OverloadedError as error:
            return door_page(keeper, "login.html", HTTPStatus.SERVICE_UNAVAILABLE, error=str(error), **again)
        return keeper.let_in(onward(wanted), session)


def _logout_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/logout")
    def logout() -> Response:
        found = keeper.signed_in(request)
        return onward("/login") if found is None else door_page(keeper, "logout.html", person=found.person)

    @pages.post("/logout")
    def log_out() -> Response:
        session = keeper.session.value(request)
        if session is not None:
            people.sign_out(session)
        return keeper.let_out(onward("/login"))

    @pages.post("/logout/everywhere")
    def log_out_everywhere() -> Response:
        found = keeper.signed_in(request)
        if found is not None:
            people.sign_out_everywhere(found.person)
        return keeper.let_out(onward("/login"))


def _link_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/setup")
    def setup() -> Response:
        link = request.args.get("link", "")
        if not people.link_is_good(Purpose.SETUP, link):
            return door_page(keeper, "link_gone.html", HTTPStatus.GONE)
        return door_page(keeper, "setup.html", link=link)

    @pages.post("/setup")
    def set_up() -> Response:
        form, caller = request.form, keeper.caller(request)
        given = {"email": form.get("email", ""), "name": form.get("name", "")}

        def act(link: str, password: str) -> str:
            return people.set_up(link, password=password, caller=caller, **given)

        return _by_link(keeper, "setup.html", act, given)

    @pages.get("/password")
    def password() -> Response:
        link = request.args.get("link", "")
        email = people.email_of_link(link)
        if email is None:
            return door_page(keeper, "link_gone.html", HTTPStatus.GONE)
        return door_page(keeper, "password.html", link=link, email=email)

    @pages.post("/password")
    def renew_password() -> Response:
        caller = keeper.caller(request)
        given = {"email": people.email_of_link(request.form.get("link", "")) or ""}

        def act(link: str, password: str) -> str:
            return people.renew_password(link, password, caller)

        return _by_link(keeper, "password.html", act, given)


def _by_link(keeper: DoorKeeper, template: str, act: Callable[[str, str], str], given: dict[str, str]) -> Response:
    """Do what a link allows and sign in; what is wrong is said on the same page."""
    link = request.form.get("link", "")
    try:
        session = act(link, request.form.get("password", ""))
    except LinkGoneError:
        return door_page(keeper, "link_gone.html", HTTPStatus.GONE)
    except InvalidInputError as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return door_page(keeper, template, status, link=link, error=wrong_input(error), **given)
    return keeper.let_in(onward(AFTER_LOGIN), session)


def _refused(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        status, detail = HTTPStatus(error.code or 500), error.description or ""
    else:
        status, detail = next(status for kind, status in _STATUS.items() if isinstance(error, kind)), str(error)
    page = render_template("door/refused.html", heading=status.phrase, error=detail)
    return Response(page, status, mimetype="text/html")
