"""The address under which people come here, for links that leave the browser: invitations, sources, log-in."""

from __future__ import annotations

from flask import Request

from app.settings import Settings


def own_address(settings: Settings, asked: Request) -> str:
    """Scheme, host and port: what the operator says, since a proxy may hide it; else what the browser asked for."""
    return settings.public_url or asked.host_url.rstrip("/")
