"""Addresses that are nobody's: a browser gets a page about it, and everything else what the API answers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from app.console.door.headers import page_headers
from app.console.frame import error_page
from app.settings import Settings

_API = "/v1/"


def install_stray_pages(app: Flask, settings: Settings, problem: Callable[[Exception], Response]) -> None:
    """Answer for addresses and methods that no route has.

    Args:
        app: the whole application.
        settings: which the headers of a page depend on.
        problem: the API's answer to an error.
    """
    headers = page_headers(settings)

    def answer(error: HTTPException) -> Response:
        is_browser = "text/html" in request.accept_mimetypes.values()
        if not is_browser or request.path.startswith(_API):
            return problem(error)
        page = error_page(error)
        page.headers.update(headers)
        return page

    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.register_error_handler(status, answer)
