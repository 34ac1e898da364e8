"""What is asked of browsers where people come over https."""

from __future__ import annotations

HSTS = "max-age=31536000"
"""RFC 6797: for a year this host is asked over https alone. It must not be sent over plain http."""


def comes_over_https(public_url: str | None) -> bool:
    """Whether a proxy that speaks https stands in front, by the address that people type."""
    return (public_url or "").startswith("https://")


def transport_headers(public_url: str | None) -> dict[str, str]:
    """What every answer says of the way to come here again."""
    return {"strict-transport-security": HSTS} if comes_over_https(public_url) else {}
