"""Standard Webhooks ``v1a`` signatures: ed25519 (RFC 8032), so that a receiver can check but not sign.

The key is derived from the webhook's signing secret (HKDF-SHA256, RFC 5869), so that it is made, sealed and rotated
with it. A receiver that shall only check gets the public key, never the secret.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PUBLIC_PREFIX = "whpk_"
"""What a written public key starts with."""

_KEY_BYTES = 32
_PURPOSE = b"relaypoint webhook signature v1a"


def derived_key(secret: bytes) -> Ed25519PrivateKey:
    """The private key that belongs to a signing secret."""
    seed = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(secret: bytes) -> str:
    """The public key that belongs to a signing secret: ``whpk_`` and 32 bytes in base64."""
    raw = derived_key(secret).public_key().public_bytes_raw()
    return PUBLIC_PREFIX + base64.b64encode(raw).decode()


class AsymmetricSigner:
    """Signs requests with the key of every active secret.

    Args:
        secrets: the current secret first, then those that a rotation still keeps alive.
    """

    __slots__ = ("_keys",)

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = tuple(derived_key(secret) for secret in secrets)

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The ``v1a`` part of ``webhook-signature``.

        Args:
            message_id: the value of ``webhook-id``.
            timestamp_s: the value of ``webhook-timestamp``.
            body: the exact bytes that are sent.

        Raises:
            ValueError: the id is empty or holds a dot, which would make the signed text ambiguous.
        """
        if not message_id or "." in message_id:
            raise ValueError("a webhook id must not be empty or hold a dot")
        signed = f"{message_id}.{timestamp_s}.".encode() + body
        return " ".join([f"v1a,{base64.b64encode(key.sign(signed)).decode()}" for key in self._keys])
