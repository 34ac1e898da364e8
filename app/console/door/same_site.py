"""Whether a form comes from our own pages: its token, and what the browser says of its origin."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Request
from werkzeug.exceptions import HTTPException

from app.core.errors import ForbiddenError
from app.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"
"""For scripts that send no form."""
_LABEL = b"relaypoint form token, version 1"
_FOREIGN = "this form is too old or comes from another site; load the page again and repeat"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class MisdirectedError(HTTPException):
    """A request under a host name that is not ours: a foreign name may lead to this machine."""

    code = HTTPStatus.MISDIRECTED_REQUEST.value
    description = "this installation has another name; see RELAYPOINT_PUBLIC_URL"


def form_token(cookie: str) -> str:
    """The token of every form of a session: nobody can make it without the cookie, and it does not tell the cookie."""
    digest = hmac.digest(cookie.encode(errors="replace"), _LABEL, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_form_token(request: Request, expected: str) -> None:
    """Refuse a form without this session's token.

    Raises:
        ForbiddenError: it has another or none.
    """
    sent = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not hmac.compare_digest(sent.encode(errors="replace"), expected.encode()):
        raise ForbiddenError(_FOREIGN)


def check_host(request: Request, hosts: Collection[str]) -> None:
    """Refuse a request under a host name that is none of ours.

    Raises:
        MisdirectedError: it is another's.
    """
    try:
        name = urlsplit(f"//{request.host}").hostname
    except ValueError:
        name = None
    if name not in hosts:
        raise MisdirectedError


def check_origin(request: Request, public_url: str | None) -> None:
    """Refuse what a browser says comes from another site. A client that says nothing has the token to show.

    Under the referrer policy of our pages browsers may send ``Origin: null`` with our own forms, so
    ``Sec-Fetch-Site`` (W3C Fetch Metadata) decides where it is present.

    Raises:
        ForbiddenError: it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = {f"{request.scheme}://{request.host}", public_url}
    if site is not None:
        if site != "same-origin" or origin not in {*own, None, "null"}:
            raise ForbiddenError(_FOREIGN)
    elif origin is not None and origin not in own:
        raise ForbiddenError(_FOREIGN)


def own_hosts(settings: Settings) -> frozenset[str]:
    """The host names that people may use for this installation."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return frozenset({*_LOOPBACK_NAMES, settings.host.lower(), *([public] if public else [])})
