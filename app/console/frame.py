"""The console as a part of the web application: its pages, its templates, its headers, its errors."""

from __future__ import annotations

import logging
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, request
from jinja2 import Environment, StrictUndefined
from werkzeug.exceptions import HTTPException

from app.console import filters
from app.console.assets import PREFIX, load_assets
from app.console.compressed import compress_page
from app.console.door.headers import add_page_headers
from app.console.door.keeper import MAX_FORM_BYTES, DoorKeeper
from app.console.flashes import SAID
from app.console.form_paths import NOWHERE, page_of_form
from app.console.navigation import navigation
from app.console.place import url
from app.console.surroundings import Surroundings
from app.console.theme import THEMES, choose_theme, theme_of
from app.console.views import page_tables
from app.console.visible import visible
from app.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    TemporaryError,
)
from app.services import Services

_STATUS = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    TemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_WORDS = {
    HTTPStatus.NOT_FOUND: "there is no page at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address takes a form; open the page that has the form",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"a form can hold {MAX_FORM_BYTES // 1024} KiB; shorten it, and send it again",
}
"""For errors that are found before any page is."""
_FAILED = "Relaypoint failed; the log of the web process says why."
_log = logging.getLogger("relaypoint.console")


def install_console(app: Flask, services: Services, keeper: DoorKeeper) -> None:
    """Add the console to the web application.

    Args:
        app: the application, without a request yet.
        services: the use cases.
        keeper: of the door, who knows who is signed in.
    """
    assets = load_assets()
    blueprint = Blueprint("console", __name__, template_folder="templates")
    keeper.guard(blueprint)
    blueprint.add_url_rule(f"{PREFIX}<name>", endpoint="asset", view_func=assets.serve)
    blueprint.add_url_rule("/favicon.ico", endpoint="favicon", view_func=lambda: assets.serve(assets.names["icon.svg"]))
    blueprint.add_url_rule(
        "/theme", endpoint="theme", view_func=partial(choose_theme, is_secure=keeper.is_secure), methods=["POST"]
    )
    for table in page_tables(services):
        table.register(blueprint, services, keeper)
    blueprint.add_url_rule("/o/<path:rest>", endpoint=NOWHERE, view_func=_nowhere)
    blueprint.register_error_handler(Exception, error_page)
    blueprint.after_request(_conditional)
    add_page_headers(blueprint, keeper.settings)
    blueprint.context_processor(_common)
    app.register_blueprint(blueprint)
    _set_up_templates(app.jinja_env, services)


def _set_up_templates(templates: Environment, services: Services) -> None:
    """Before the first template is loaded: Flask may have made the environment already."""
    templates.trim_blocks = templates.lstrip_blocks = True
    templates.undefined = StrictUndefined
    templates.finalize = visible
    templates.filters.update(filters.FILTERS)
    templates.globals.update(
        asset=load_assets().url,
        path=url,
        navigation=navigation,
        surroundings=Surroundings(services),
        themes=THEMES,
    )


def _common() -> dict[str, Any]:
    return {
        "theme": theme_of(request),
        "said": SAID.get(request.args.get("said", "")),
        "here_path": request.path,
        "here_page": request.full_path.rstrip("?"),
    }


def _conditional(answer: Response) -> Response:
    """A page that did not change since it was asked for is not sent again, and one that is sent goes compressed.

    Only what was asked for with GET: an answer to a form may show a new key.
    """
    if request.method == "GET" and answer.status_code == HTTPStatus.OK and answer.mimetype == "text/html":
        answer.add_etag(weak=True)
        answer.vary.add("accept-encoding")
        answer.make_conditional(request)
        if answer.status_code == HTTPStatus.OK and request.accept_encodings["gzip"]:
            compress_page(answer)
    return answer


def _nowhere(rest: str) -> Response:
    """No page; for the address of a form, on to the page that has it."""
    routes = current_app.create_url_adapter(request)
    page = page_of_form(routes, request.path) if routes else None
    if page is not None:
        return Response(status=HTTPStatus.SEE_OTHER, headers={"location": page})
    raise NotFoundError(f"there is no page /o/{rest}")


def error_page(error: Exception) -> Response:
    """Any error as a page that says what happened and where to go on."""
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        detail = _WORDS.get(status, error.description or "")
    else:
        found = (status for kind, status in _STATUS.items() if isinstance(error, kind))
        status = next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
        detail = str(error) if status is not HTTPStatus.INTERNAL_SERVER_ERROR else _FAILED
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a page failed", exc_info=error)
    text = render_template("console/error.html", status=status, detail=detail, **_common())
    page = Response(text, status, mimetype="text/html")
    if isinstance(error, RateLimitedError):
        page.headers["retry-after"] = str(error.retry_after_s)
    return page
