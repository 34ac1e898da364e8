"""The ``authorization`` header (RFC 9110 section 11.6.2). Name it in ``secret_headers``."""

from __future__ import annotations

import base64

from pydantic import SecretStr


def bearer(token: SecretStr) -> tuple[str, str]:
    """A bearer token (RFC 6750)."""
    return ("authorization", f"Bearer {token.get_secret_value()}")


def basic(user: str, password: SecretStr) -> tuple[str, str]:
    """User name and password (RFC 7617), as UTF-8."""
    login = f"{user}:{password.get_secret_value()}"
    return ("authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
