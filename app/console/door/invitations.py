"""``/join``: what an invitation offers, and taking it up with an account or a new one."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.console.door.answers import AFTER_LOGIN, door_page, onward, wrong_input
from app.console.door.keeper import DoorKeeper
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError
from app.routing.joining import Invitation, Joining
from app.security.front_door import LinkGoneError


def add_join_pages(pages: Blueprint, keeper: DoorKeeper, joining: Joining) -> None:
    """Put the pages of invitations into the blueprint of the door."""

    @pages.get("/join")
    def invitation() -> Response:
        link = request.args.get("link", "")
        try:
            return _offer(keeper, link, joining.invitation(link))
        except LinkGoneError:
            return door_page(keeper, "link_gone.html", HTTPStatus.GONE)

    @pages.post("/join")
    def join() -> Response:
        link, found = request.form.get("link", ""), keeper.signed_in(request)
        try:
            if found is None:
                return _join_anew(keeper, joining, link)
            joining.join(link, found.person)
        except LinkGoneError:
            return door_page(keeper, "link_gone.html", HTTPStatus.GONE)
        except ForbiddenError as error:
            return _offer(keeper, link, joining.invitation(link), HTTPStatus.FORBIDDEN, error=str(error))
        except ConflictError as error:
            return _offer(keeper, link, joining.invitation(link), HTTPStatus.CONFLICT, error=str(error))
        return onward(AFTER_LOGIN)


def _join_anew(keeper: DoorKeeper, joining: Joining, link: str) -> Response:
    name = request.form.get("name", "")
    try:
        session = joining.join_anew(
            link, name=name, password=request.form.get("password", ""), caller=keeper.caller(request)
        )
    except InvalidInputError as error:
        offered = joining.invitation(link)
        return _offer(keeper, link, offered, HTTPStatus.UNPROCESSABLE_ENTITY, error=wrong_input(error), name=name)
    return keeper.let_in(onward(AFTER_LOGIN), session)


def _offer(
    keeper: DoorKeeper, link: str, offered: Invitation, status: HTTPStatus = HTTPStatus.OK, **values: str
) -> Response:
    found = keeper.signed_in(request)
    back = "/login?" + urlencode({"next": "/join?" + urlencode({"link": link})})
    person = None if found is None else found.person
    return door_page(keeper, "join.html", status, link=link, offered=offered, person=person, sign_in=back, **values)
