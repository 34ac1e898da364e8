"""How the door answers: its pages, and where it sends people on to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, redirect, render_template, request

from app.console.door.keeper import DoorKeeper
from app.console.door.same_site import form_token
from app.core.errors import InvalidInputError

AFTER_LOGIN = "/"
LONGEST_PATH = 1_000
"""Of what comes after log-in; a provider's log-in keeps it in an indexed column."""
_FIELDS = {"email": "e-mail address"}
"""What pages call a field, where that is not its name."""


def door_page(keeper: DoorKeeper, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
    """A page of the door, with the token for its form and, on a first visit, the cookie it belongs to."""
    visit, is_new = keeper.visit_of(request)
    page = render_template(f"door/{template}", csrf_token=form_token(visit), **values)
    answer = Response(page, status, mimetype="text/html")
    if is_new:
        keeper.visit.give(answer, visit)
    return answer


def wrong_input(error: InvalidInputError) -> str:
    """What is wrong with a field, as a sentence."""
    return f"the {_FIELDS.get(error.field, error.field)} {error.detail}"


def onward(path: str) -> Response:
    """After a form: on to another page of ours."""
    answer = redirect(path, HTTPStatus.SEE_OTHER)
    return Response(answer.get_data(), HTTPStatus.SEE_OTHER, answer.headers)


def local_path(text: str) -> str:
    """A path of ours to go on to after log-in; anything that a browser could read as another site is ``/``."""
    plain = text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if plain and len(text) <= LONGEST_PATH else AFTER_LOGIN
