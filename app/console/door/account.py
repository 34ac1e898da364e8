"""``/account``: one's own password, and where one is signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from app.console.door.answers import door_page, onward, wrong_input
from app.console.door.browsers import browser_words
from app.console.door.keeper import DoorKeeper, SignedIn
from app.core.clock import SECOND, Micros, to_rfc3339
from app.core.errors import InvalidInputError, OverloadedError
from app.security.front_door import WrongCredentialsError
from app.security.login_throttle import TooManyTriesError

_HERE = "/account"
_SIGN_IN = f"/login?next={_HERE}"
_OTHER_PASSWORD = "the present password is another one"  # noqa: S105 - words, not a password
_NO_PASSWORD = "there is no password to change any more"  # noqa: S105 - as above


def add_account_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    """Add the page of one's own account."""
    _password_pages(pages, keeper)
    _session_pages(pages, keeper)


def _password_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    @pages.get(_HERE)
    def account() -> Response:
        found = keeper.signed_in(request)
        return onward(_SIGN_IN) if found is None else _shown(keeper, found)

    @pages.post(_HERE)
    def change_password() -> Response:
        found = keeper.signed_in(request)
        if found is None:
            return onward(_SIGN_IN)
        present, wanted = request.form.get("present", ""), request.form.get("password", "")
        try:
            session = keeper.people.change_password(found.person, present, wanted, keeper.caller(request))
        except WrongCredentialsError:
            error = _OTHER_PASSWORD if keeper.people.has_password(found.person) else _NO_PASSWORD
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        except InvalidInputError as wrong:
            error, status = wrong_input(wrong), HTTPStatus.UNPROCESSABLE_ENTITY
        except TooManyTriesError as wrong:
            error, status = str(wrong), HTTPStatus.TOO_MANY_REQUESTS
        except OverloadedError as wrong:
            error, status = str(wrong), HTTPStatus.SERVICE_UNAVAILABLE
        else:
            return keeper.let_in(onward("/"), session)
        return _shown(keeper, found, status, error=error)


def _session_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    @pages.post(f"{_HERE}/sessions/others/end")
    def end_others() -> Response:
        found, session = keeper.signed_in(request), keeper.session.value(request)
        if found is not None and session is not None:
            keeper.people.sign_out_elsewhere(found.person, session)
        return onward(_HERE)

    @pages.post(f"{_HERE}/sessions/<session_id>/end")
    def end_one(session_id: str) -> Response:
        found = keeper.signed_in(request)
        if found is not None:
            keeper.people.end_session(found.person, session_id)
        return onward(_HERE)


def _shown(keeper: DoorKeeper, found: SignedIn, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
    listed = keeper.people.sessions(found.person, keeper.session.value(request) or "")
    sessions = [
        {
            "id": one.id,
            "browser": browser_words(one.user_agent),
            "address": one.address,
            "is_this": one.is_this,
            "created": _moment(one.created_at),
            "seen": _moment(one.seen_at),
        }
        for one in listed
    ]
    has_password = keeper.people.has_password(found.person)
    told = {"person": found.person, "sessions": sessions, "has_password": has_password}
    return door_page(keeper, "account.html", status, **told, **values)


def _moment(at: Micros) -> tuple[str, str]:
    """A time for programs and for people: the page belongs to no organization, so it is told in UTC."""
    return to_rfc3339(at), datetime.fromtimestamp(at // SECOND, UTC).strftime("%d %b %Y, %H:%M UTC")
