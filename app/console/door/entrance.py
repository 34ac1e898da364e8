"""The pages of the door: ``/login``, ``/logout``, ``/setup`` and ``/password``."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from app.console.door.headers import add_page_headers
from app.console.door.keeper import DoorKeeper
from app.console.theme import theme_of
from app.core.errors import ForbiddenError, InvalidInputError, OverloadedError
from app.security.front_door import LinkGoneError, WrongCredentialsError
from app.security.links import Purpose
from app.security.login_throttle import TooManyTriesError

AFTER_LOGIN = "/"


def entrance(keeper: DoorKeeper) -> Blueprint:
    """The pages of the door."""
    pages = Blueprint("door", __name__, template_folder="templates")
    keeper.guard(pages)
    add_page_headers(pages, https=keeper.https)
    pages.context_processor(lambda: {"theme": theme_of(request)})
    pages.register_error_handler(ForbiddenError, _refused)
    pages.register_error_handler(HTTPException, _refused)
    _login_pages(pages, keeper)
    _logout_pages(pages, keeper)
    _link_pages(pages, keeper)
    return pages


def _login_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/login")
    def login() -> Response:
        onward = local_path(request.args.get("next", ""))
        if keeper.signed_in(request) is not None:
            return _on(onward)
        return _page(keeper, "login.html", next=onward)

    @pages.post("/login")
    def log_in() -> Response:
        email, onward = request.form.get("email", ""), local_path(request.form.get("next", ""))
        again = {"next": onward, "email": email}
        try:
            session = people.sign_in(email, request.form.get("password", ""), keeper.caller(request))
        except WrongCredentialsError as error:
            return _page(keeper, "login.html", HTTPStatus.UNPROCESSABLE_ENTITY, error=str(error), **again)
        except TooManyTriesError as error:
            answer = _page(keeper, "login.html", HTTPStatus.TOO_MANY_REQUESTS, error=str(error), **again)
            answer.headers["retry-after"] = str(error.retry_after_s)
            return answer
        except OverloadedError as error:
            return _page(keeper, "login.html", HTTPStatus.SERVICE_UNAVAILABLE, error=str(error), **again)
        return keeper.let_in(_on(onward), session)


def _logout_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/logout")
    def logout() -> Response:
        found = keeper.signed_in(request)
        return _on("/login") if found is None else _page(keeper, "logout.html", person=found.person)

    @pages.post("/logout")
    def log_out() -> Response:
        session = keeper.session.value(request)
        if session is not None:
            people.sign_out(session)
        return keeper.let_out(_on("/login"))

    @pages.post("/logout/everywhere")
    def log_out_everywhere() -> Response:
        found = keeper.signed_in(request)
        if found is not None:
            people.sign_out_everywhere(found.person)
        return keeper.let_out(_on("/login"))


def _link_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    people = keeper.people

    @pages.get("/setup")
    def setup() -> Response:
        return _link_page(keeper, "setup.html", Purpose.SETUP, request.args.get("link", ""))

    @pages.post("/setup")
    def set_up() -> Response:
        form, caller = request.form, keeper.caller(request)
        given = {"email": form.get("email", ""), "name": form.get("name", "")}

        def act(link: str, password: str) -> str:
            return people.set_up(link, password=password, caller=caller, **given)

        return _by_link(keeper, "setup.html", act, given)

    @pages.get("/password")
    def password() -> Response:
        return _link_page(keeper, "password.html", Purpose.PASSWORD, request.args.get("link", ""))

    @pages.post("/password")
    def renew_password() -> Response:
        caller = keeper.caller(request)

        def act(link: str, password: str) -> str:
            return people.renew_password(link, password, caller)

        return _by_link(keeper, "password.html", act, {})


def _link_page(keeper: DoorKeeper, template: str, purpose: Purpose, link: str) -> Response:
    if not keeper.people.link_is_good(purpose, link):
        return _page(keeper, "link_gone.html", HTTPStatus.GONE)
    return _page(keeper, template, link=link)


def _by_link(keeper: DoorKeeper, template: str, act: Callable[[str, str], str], given: dict[str, str]) -> Response:
    """Do what a link allows and sign in; what is wrong is said on the same page."""
    link = request.form.get("link", "")
    try:
        session = act(link, request.form.get("password", ""))
    except LinkGoneError:
        return _page(keeper, "link_gone.html", HTTPStatus.GONE)
    except InvalidInputError as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(keeper, template, status, link=link, error=error.detail, field=error.field, **given)
    return keeper.let_in(_on(AFTER_LOGIN), session)


def _page(keeper: DoorKeeper, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
    token, cookie = keeper.begin_visit(request)
    answer = Response(render_template(f"door/{template}", csrf_token=token, **values), status, mimetype="text/html")
    if cookie is not None:
        keeper.visit.give(answer, cookie)
    return answer


def _refused(error: Exception) -> Response:
    status = HTTPStatus(error.code or 500) if isinstance(error, HTTPException) else HTTPStatus.FORBIDDEN
    detail = (error.description or "") if isinstance(error, HTTPException) else str(error)
    page = render_template("door/refused.html", heading=status.phrase, error=detail)
    return Response(page, status, mimetype="text/html")


def _on(path: str) -> Response:
    answer = redirect(path, HTTPStatus.SEE_OTHER)
    return Response(answer.get_data(), HTTPStatus.SEE_OTHER, answer.headers)


def local_path(text: str) -> str:
    """A path of ours to go on to after log-in; anything that a browser could read as another site is ``/``."""
    plain = text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if plain else AFTER_LOGIN
