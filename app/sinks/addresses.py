"""From the address a user gave to the address a request goes to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit


def address(endpoint_url: str, path: str, query: Mapping[str, str] | None = None) -> str:
    """The endpoint with ``path`` when it is a bare ``https://host[:port]``, else as it is.

    A fragment is dropped; ``query`` is added to what the endpoint already asks.
    """
    parts = urlsplit(endpoint_url)
    chosen = path if parts.path in {"", "/"} else parts.path
    asked = "&".join(part for part in (parts.query, urlencode(query or {})) if part)
    return urlunsplit((parts.scheme, parts.netloc, chosen, asked, ""))


def beside(url: str, known: str, other: str) -> str | None:
    """The same server's ``other`` path where ``known`` ends the path of ``url``; None when it does not.

    ``beside("https://h/proxy/v1/logs", "/v1/logs", "/health")`` is ``https://h/proxy/health``.
    """
    parts = urlsplit(url)
    if not parts.path.endswith(known):
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path.removesuffix(known) + other, "", ""))
