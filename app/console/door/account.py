"""``/account``: one's own password, and ending one's sessions."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request

from app.console.door.answers import door_page, onward, wrong_input
from app.console.door.keeper import DoorKeeper
from app.core.errors import InvalidInputError, OverloadedError
from app.security.front_door import WrongCredentialsError
from app.security.login_throttle import TooManyTriesError


def add_account_pages(pages: Blueprint, keeper: DoorKeeper) -> None:
    """Add the page of one's own account."""

    @pages.get("/account")
    def account() -> Response:
        found = keeper.signed_in(request)
        return (
            onward("/login?next=/account") if found is None else door_page(keeper, "account.html", person=found.person)
        )

    @pages.post("/account")
    def change_password() -> Response:
        found = keeper.signed_in(request)
        if found is None:
            return onward("/login?next=/account")
        present, wanted = request.form.get("present", ""), request.form.get("password", "")
        try:
            session = keeper.people.change_password(found.person, present, wanted, keeper.caller(request))
        except WrongCredentialsError:
            error, status = "the present password is another one", HTTPStatus.UNPROCESSABLE_ENTITY
        except InvalidInputError as wrong:
            error, status = wrong_input(wrong), HTTPStatus.UNPROCESSABLE_ENTITY
        except TooManyTriesError as wrong:
            error, status = str(wrong), HTTPStatus.TOO_MANY_REQUESTS
        except OverloadedError as wrong:
            error, status = str(wrong), HTTPStatus.SERVICE_UNAVAILABLE
        else:
            return keeper.let_in(onward("/"), session)
        return door_page(keeper, "account.html", status, person=found.person, error=error)
