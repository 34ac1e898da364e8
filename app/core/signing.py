"""Standard Webhooks 1.0.0 signatures: making secrets, signing what is sent, checking what was received.

The signed text is ``<webhook-id>.<webhook-timestamp>.<body>``, the method HMAC-SHA256, and the header holds one
``v1,<base64>`` for each active secret, separated by spaces. An id with a dot would make the signed text ambiguous,
so such an id is never signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.errors import InvalidInputError
from app.core.ids import RandomBytes

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of every secret, not a secret
SECRET_BYTES = 32
MIN_SECRET_BYTES = 24
MAX_SECRET_BYTES = 64
"""Standard Webhooks 1.0.0 asks for 24 to 64 random bytes."""

TOLERANCE_S = 300
"""How far, in seconds, a timestamp may lie from the receiver's clock."""

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

_VERSION = "v1"
_BLOCK_BYTES = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))
_Keyed = tuple[Any, Any]
"""Two SHA-256 objects of ``hashlib``, whose type has no public name."""


def new_secret(random_bytes: RandomBytes) -> str:
    """A fresh signing secret, ``whsec_`` and 32 random bytes in base64."""
    return format_secret(random_bytes(SECRET_BYTES))


def format_secret(secret: bytes) -> str:
    """The written form of a secret, the inverse of :func:`parse_secret`."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def parse_secret(text: str) -> bytes:
    """The bytes of a written secret. Base64 padding may be missing.

    Raises:
        InvalidInputError: no ``whsec_`` prefix, not base64, or not 24 to 64 bytes. The message never shows the text.
    """
    if not text.startswith(SECRET_PREFIX):
        raise InvalidInputError(f"a signing secret starts with {SECRET_PREFIX}", field="secret")
    encoded = text.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("the part after whsec_ must be base64", field="secret") from None
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        detail = f"a signing secret holds {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, this one {len(secret)}"
        raise InvalidInputError(detail, field="secret")
    return secret


class Signer:
    """Signs requests with every active secret.

    The keyed hashes are prepared once and copied per request. The two hashes of an HMAC (RFC 2104) are kept as such,
    because an ``hmac`` object wraps each of them in Python once more.

    Args:
        secrets: the current secret first, then those that a rotation still keeps alive. At least one.

    Raises:
        ValueError: no secret was given.
    """

    __slots__ = ("_keyed",)

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("signing needs at least one secret")
        self._keyed = tuple(_keyed(secret) for secret in secrets)

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The value of ``webhook-signature``.

        Args:
            message_id: the value of ``webhook-id``; the same on every attempt.
            timestamp_s: the value of ``webhook-timestamp``: seconds since the epoch, of this attempt.
            body: the exact bytes that are sent.

        Raises:
            ValueError: the id is empty or holds a dot.
        """
        if not message_id or "." in message_id:
            raise ValueError("a webhook id must not be empty or hold a dot")
        head = f"{message_id}.{timestamp_s}.".encode()
        return " ".join([_signature(keyed, head, body) for keyed in self._keyed])


def _keyed(secret: bytes) -> _Keyed:
    """The inner and the outer hash of HMAC-SHA256, each fed its key block (RFC 2104, section 2)."""
    key = hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(block.translate(_INNER_PAD)), hashlib.sha256(block.translate(_OUTER_PAD))


def _signature(keyed: _Keyed, head: bytes, body: bytes) -> str:
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(head)
    inner.update(body)
    outer.update(inner.digest())
    return f"{_VERSION},{binascii.b2a_base64(outer.digest(), newline=False).decode()}"


class Reason(StrEnum):
    """Why a received request was believed or not."""

    OK = "ok"
    MISSING_HEADER = "missing_header"
    BAD_ID = "bad_id"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    NO_MATCH = "no_match"
    """No signature of a known version was made with a known secret."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of :func:`verify`; ``secret_index`` says which of the given secrets matched."""

    reason: Reason
    secret_index: int | None = None

    @property
    def ok(self) -> bool:
        """True if the request is genuine and fresh."""
        return self.reason is Reason.OK


def verify(
    secrets: Sequence[bytes],
    *,
    message_id: str | None,
    timestamp: str | None,
    signature: str | None,
    body: bytes,
    now_s: int,
    tolerance_s: int = TOLERANCE_S,
) -> Verification:
    """Checks the three Standard Webhooks headers of a received request. Never raises on what a sender wrote.

    Every signature is compared with every secret in constant time, whatever matched before.

    Args:
        secrets: the secrets the receiver knows.
        message_id: the ``webhook-id`` header, None if absent.
        timestamp: the ``webhook-timestamp`` header, None if absent.
        signature: the ``webhook-signature`` header, None if absent.
        body: the exact bytes that arrived.
        now_s: the receiver's clock, seconds since the epoch.
        tolerance_s: how far the timestamp may lie from it, seconds either way.
    """
    if not message_id or not timestamp or not signature:
        return Verification(Reason.MISSING_HEADER)
    if "." in message_id or not message_id.isascii():
        return Verification(Reason.BAD_ID)
    problem = _timestamp_problem(timestamp, now_s, tolerance_s)
    if problem is not None:
        return Verification(problem)
    head = f"{message_id}.{timestamp}.".encode()
    given = [part for part in signature.encode(errors="replace").split(b" ") if part.startswith(b"v1,")]
    matched = [
        index
        for index, secret in enumerate(secrets)
        for expected in [_signature(_keyed(secret), head, body).encode()]
        if any([hmac.compare_digest(expected, part) for part in given])  # noqa: C419 - a generator would stop early
    ]
    return Verification(Reason.OK, matched[0]) if matched else Verification(Reason.NO_MATCH)


def _timestamp_problem(timestamp: str, now_s: int, tolerance_s: int) -> Reason | None:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 15:  # noqa: PLR2004 - beyond any clock
        return Reason.BAD_TIMESTAMP
    age = now_s - int(timestamp)
    if age > tolerance_s:
        return Reason.TOO_OLD
    return Reason.TOO_NEW if -age > tolerance_s else None
