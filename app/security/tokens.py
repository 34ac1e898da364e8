"""Random tokens of sessions and one-time links. Only their SHA-256 is stored, as of an API key."""

from __future__ import annotations

import base64
import hashlib

from app.core.ids import RandomBytes

_BYTES = 32
_MAX_LENGTH = 64


def new_token(random_bytes: RandomBytes) -> str:
    """43 characters that carry 256 random bits, fit for a cookie and for a URL."""
    return base64.urlsafe_b64encode(random_bytes(_BYTES)).decode().rstrip("=")


def token_digest(token: str) -> bytes:
    """What is stored of a token, and looked for. Of a text that is far too long only the beginning counts."""
    return hashlib.sha256(token[:_MAX_LENGTH].encode(errors="replace")).digest()
