"""``/login/provider``: to the OpenID provider and back."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Request, Response, redirect, request

from app.console.door.answers import door_page, local_path, onward
from app.console.door.keeper import DoorKeeper
from app.console.own_address import own_address
from app.security.login_throttle import TooManyTriesError
from app.security.oidc import OidcError, ProviderAwayError
from app.security.oidc_login import OidcLogin, Return

_BACK = "/login/provider/back"


def add_provider_pages(pages: Blueprint, keeper: DoorKeeper, login: OidcLogin) -> None:
    """Put the way to the provider and back into the blueprint of the door."""

    @pages.get("/login/provider")
    def to_provider() -> Response:
        wanted = local_path(request.args.get("next", ""))
        visit, is_new = keeper.visit_of(request)
        try:
            caller = keeper.caller(request)
            there = login.begin(caller, redirect_uri=_back_to(keeper, request), visit=visit, onward=wanted)
        except TooManyTriesError as error:
            answer = door_page(keeper, "login.html", HTTPStatus.TOO_MANY_REQUESTS, error=str(error), next=wanted)
            answer.headers["retry-after"] = str(error.retry_after_s)
            return answer
        except OidcError as error:
            return door_page(keeper, "login.html", HTTPStatus.BAD_GATEWAY, error=str(error), next=wanted)
        answer = Response(status=HTTPStatus.SEE_OTHER, headers=redirect(there).headers)
        if is_new:
            keeper.visit.give(answer, visit)
        return answer

    @pages.get(_BACK)
    def from_provider() -> Response:
        visit, _ = keeper.visit_of(request)
        asked = request.args
        back = Return(asked.get("state", ""), asked.get("code", ""), visit, _back_to(keeper, request))
        try:
            session, wanted = login.finish(back, keeper.caller(request))
        except OidcError as error:
            status = HTTPStatus.BAD_GATEWAY if isinstance(error, ProviderAwayError) else HTTPStatus.FORBIDDEN
            return door_page(keeper, "login.html", status, error=str(error), next="/")
        return keeper.let_in(onward(wanted), session)


def _back_to(keeper: DoorKeeper, asked: Request) -> str:
    """Where the provider sends the browser back to. It has to know this address."""
    return own_address(keeper.settings, asked) + _BACK
