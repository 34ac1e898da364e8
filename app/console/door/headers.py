"""The headers of every page (S14): what a browser may load, run, tell others and keep."""

from __future__ import annotations

from flask import Blueprint, Response

from app.security.transport import transport_headers
from app.settings import Settings

PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""No ``unsafe-``, no nonce: there is no inline script and no inline style."""


def page_headers(settings: Settings) -> dict[str, str]:
    """The headers of a page of this installation."""
    return PAGE_HEADERS | transport_headers(settings.public_url)


def add_page_headers(blueprint: Blueprint, settings: Settings) -> None:
    """Put the headers on every answer of a blueprint that does not say otherwise."""
    headers = page_headers(settings)

    @blueprint.after_request
    def finish(answer: Response) -> Response:
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        return answer
