"""In front of Flask: the one hot route goes to its own door, everything else to Flask.

Flask's request context, matching and response objects cost more than taking in an event does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from app.ops.counts import Counts
from app.security.transport import transport_headers
from app.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EVENTS_PATH = "/v1/events"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""On every answer that names no others: it is no page, and may not be kept by a cache."""

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE"})
"""Others are counted as one: whoever calls must not be able to invent label values."""


def answer_headers(settings: Settings) -> dict[str, str]:
    """What every answer of the API carries, whichever door gives it."""
    return SECURITY_HEADERS | transport_headers(settings.public_url)


class Front:
    """A WSGI application before Flask's.

    Args:
        flask: Flask's own.
        doors: WSGI applications by method and exact path.
    """

    def __init__(self, flask: WSGIApplication, doors: Mapping[tuple[str, str], WSGIApplication]) -> None:
        self._flask = flask
        self._doors = doors

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        door = self._doors.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]), self._flask)
        return door(environ, start_response)


def count_answer(counts: Counts, method: str, status: int) -> None:
    """Count an answer for ``/metrics``."""
    shown = method if method in _METHODS else "other"
    counts.add("relaypoint_http_requests_total", f'{{method="{shown}",status="{status}"}}')
