"""Errors as people and programs get them: RFC 9457 problem documents with a stable ``type``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.core.body import UnsupportedContentTypeError
from app.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    SecretUnreadableError,
    TemporaryError,
)

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 2
"""What a client is asked to wait when the database could not commit."""
_PREFIX = "urn:relaypoint:problem:"
_SLUGS = {
    HTTPStatus.BAD_REQUEST: "bad-request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body-too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid-input",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many-requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal-error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
_log = logging.getLogger("relaypoint.api")


class ProblemError(Exception):
    """Ends a request with a problem document.

    Args:
        status: the HTTP status; the slug of ``type`` follows from it.
        detail: a sentence that says what to do.
        headers: further response headers.
        extra: further members of the document.
    """

    def __init__(self, status: HTTPStatus, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra

    def response(self) -> Response:
        """The answer."""
        document = {
            "type": _PREFIX + _SLUGS.get(self.status, f"http-{self.status.value}"),
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            **self.extra,
        }
        answer = Response(orjson.dumps(document), status=self.status, content_type=PROBLEM_JSON)
        answer.headers.update(self.headers)
        return answer


def unauthenticated(detail: str) -> ProblemError:
    """401 with the challenge that RFC 6750 wants."""
    return ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers={"www-authenticate": 'Bearer realm="relaypoint"'})


def from_validation(error: ValidationError, *, prefix: str = "") -> ProblemError:
    """Every field at fault by name; values are not repeated."""
    errors = [
        {"field": ".".join([*([prefix] if prefix else []), *map(str, one["loc"])]), "detail": one["msg"]}
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    first = errors[0]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first['field']}: {first['detail']}", errors=errors)


def _from_input(error: InvalidInputError) -> ProblemError:
    if isinstance(error, UnsupportedContentTypeError):
        return ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.detail)
    if not error.field:
        return ProblemError(HTTPStatus.BAD_REQUEST, error.detail)
    errors = [{"field": error.field, "detail": error.detail}]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error.field}: {error.detail}", errors=errors)


def _from_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["allow"] = ", ".join(sorted(error.valid_methods))
    return ProblemError(status, error.description or status.description, headers=headers).response()


def _from_bug(error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    detail = "Relaypoint failed; the log of the web process says why."
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, detail).response()


def _from_unreadable(error: SecretUnreadableError) -> Response:
    _log.error("a stored secret cannot be opened: %s", error)
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)).response()


def _from_rate(error: RateLimitedError) -> ProblemError:
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers={"retry-after": str(error.retry_after_s)})


def _plain(status: HTTPStatus, headers: dict[str, str] | None = None) -> Callable[[Exception], Response]:
    return lambda error: ProblemError(status, str(error), headers=headers).response()


_ANSWERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (ProblemError, ProblemError.response),
    (InvalidInputError, lambda error: _from_input(error).response()),
    (ValidationError, lambda error: from_validation(error).response()),
    (NotFoundError, _plain(HTTPStatus.NOT_FOUND)),
    (ConflictError, _plain(HTTPStatus.CONFLICT)),
    (ForbiddenError, _plain(HTTPStatus.FORBIDDEN)),
    (RateLimitedError, lambda error: _from_rate(error).response()),
    (TemporaryError, _plain(HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": str(RETRY_AFTER_S)})),
    (SecretUnreadableError, _from_unreadable),
    (HTTPException, _from_http),
    (Exception, _from_bug),
)
"""The first kind that fits an error says how it is answered."""


def answer_to(error: Exception) -> Response:
    """The problem document for any error, ours or a bug."""
    return next(answer for kind, answer in _ANSWERS if isinstance(error, kind))(error)


def install_error_handlers(app: Flask) -> None:
    """Every error of this application ends as a problem document."""
    app.register_error_handler(Exception, answer_to)
