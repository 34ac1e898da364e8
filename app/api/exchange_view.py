"""A request that was sent and the response that came, as the API shows them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from app.delivery.history import GotResponse, SentRequest


def sent_request(request: SentRequest | None) -> dict[str, Any] | None:
    """The request, or None when nothing is known of one."""
    if request is None:
        return None
    return {
        "method": request.method,
        "url": request.url,
        "headers": _headers(request.headers),
        **body_view(request.body),
    }


def got_response(response: GotResponse | None) -> dict[str, Any] | None:
    """The response, or None when none came."""
    if response is None:
        return None
    return {
        "status": response.status,
        "headers": _headers(response.headers),
        **body_view(response.body),
        "truncated": response.truncated,
    }


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By name; a repeated name keeps all its values, joined as RFC 9110 section 5.3 allows."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def body_view(body: bytes | None) -> dict[str, Any]:
    """Exact bytes: as text when they are UTF-8, else in base64. ``null`` = their retention is over."""
    if body is None:
        return {"body": None, "body_encoding": None}
    try:
        return {"body": body.decode(), "body_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "body_encoding": "base64"}
