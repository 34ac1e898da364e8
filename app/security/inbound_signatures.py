"""Signatures on requests that come in: did somebody who knows the secret send these very bytes, a moment ago?

Three schemes, as senders use them:

* ``standard_webhooks``: Standard Webhooks 1.0.0, headers ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``.
* ``github``: ``sha256=<hex>`` over the body alone. It tells no time, so an old copy is known only by its content.
* ``timestamped``: ``t=<seconds>,v1=<hex>`` over ``<seconds>.<body>``.

Every signature is compared with every secret, in constant time, and nothing of a body is read before. What is wrong is
for our own counters only: the sender is told the same in every case.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.clock import DAY, SECOND, Micros
from app.core.errors import InvalidInputError, PermanentError
from app.core.signing import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TOLERANCE_S,
    parse_secret,
    verify,
)

MAX_SECRETS = 4
"""Active secrets of one sender, for a rotation that takes its time."""
MIN_SECRET_CHARACTERS = 16
MAX_SECRET_CHARACTERS = 512
MAX_HEADER_CHARACTERS = 4_096
_MAX_SIGNATURES = 16
_LONGEST_TIMESTAMP = 12
_GITHUB_PREFIX = "sha256="
_HEX_DIGITS = 64


class Scheme(StrEnum):
    """How a sender signs."""

    STANDARD_WEBHOOKS = "standard_webhooks"
    GITHUB = "github"
    TIMESTAMPED = "timestamped"

    @property
    def header(self) -> str:
        """The header that carries the signature, unless the sender's settings name another."""
        return _HEADERS[self]

    @property
    def window(self) -> Micros:
        """How long a message is remembered, so that a copy of it is known.

        With a time in the signature, twice the tolerance: a message from the future may come until it is too old.
        Without one, as long as the best known sender offers to send again.
        """
        return _UNTIMED_WINDOW if self is Scheme.GITHUB else 2 * TOLERANCE_S * SECOND


_HEADERS = {
    Scheme.STANDARD_WEBHOOKS: SIGNATURE_HEADER,
    Scheme.GITHUB: "x-hub-signature-256",
    Scheme.TIMESTAMPED: "stripe-signature",
}
_UNTIMED_WINDOW: Micros = 3 * DAY


class SignatureRefusedError(PermanentError):
    """A signature is missing or wrong. The text is the same whatever is wrong; ``reason`` is for counters only."""

    def __init__(self, reason: str) -> None:
        super().__init__("the signature of this request is missing or wrong")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """How the requests of one sender are signed.

    Args:
        scheme: the kind of signature.
        secrets: every secret that may sign now, as the sender has them; see :func:`check_secret`.
        header: the header of the signature, "" for the scheme's own.
    """

    scheme: Scheme
    secrets: tuple[str, ...]
    header: str = ""

    def __repr__(self) -> str:
        return f"SignatureRule({self.scheme.value}, {len(self.secrets)} secrets)"

    def header_names(self) -> tuple[str, ...]:
        """The headers that :meth:`proven` reads, in lower case."""
        own = (self.header or self.scheme.header).lower()
        return (ID_HEADER, TIMESTAMP_HEADER, own) if self.scheme is Scheme.STANDARD_WEBHOOKS else (own,)

    def proven(self, headers: Mapping[str, str], body: bytes, now: Micros) -> bytes:
        """What tells this message from every other of its sender: 32 bytes, the same for an exact copy.

        Args:
            headers: by lower-case name.
            body: the bytes as they came over the wire, still compressed if they were.
            now: the time.

        Raises:
            SignatureRefusedError: nobody who knows a secret signed this within the tolerance.
        """
        given = {name: headers[name] for name in self.header_names() if name in headers}
        if any(len(value) > MAX_HEADER_CHARACTERS for value in given.values()):
            raise SignatureRefusedError("too_long")
        return _CHECKS[self.scheme](self, given, body, now // SECOND)


def check_secret(scheme: Scheme, secret: str) -> str:
    """A secret that may be stored for a scheme.

    Raises:
        InvalidInputError: it is too short, too long, or not of the scheme's form. The message never shows it.
    """
    if scheme is Scheme.STANDARD_WEBHOOKS:
        parse_secret(secret)
    elif not MIN_SECRET_CHARACTERS <= len(secret) <= MAX_SECRET_CHARACTERS:
        bounds = f"{MIN_SECRET_CHARACTERS} to {MAX_SECRET_CHARACTERS} characters"
        raise InvalidInputError(f"a secret of scheme {scheme.value} has {bounds}", field="secret")
    return secret


def _standard(rule: SignatureRule, headers: Mapping[str, str], body: bytes, now_s: int) -> bytes:
    message_id = headers.get(ID_HEADER)
    verified = verify(
        [parse_secret(secret) for secret in rule.secrets],
        message_id=message_id,
        timestamp=headers.get(TIMESTAMP_HEADER),
        signature=headers.get((rule.header or SIGNATURE_HEADER).lower()),
        body=body,
        now_s=now_s,
    )
    if not verified.ok:
        raise SignatureRefusedError(verified.reason.value)
    # A sender that tries again signs anew, under the same id: that is a copy, too.
    return hashlib.sha256((message_id or "").encode()).digest()


def _github(rule: SignatureRule, headers: Mapping[str, str], body: bytes, _now_s: int) -> bytes:
    value = headers.get((rule.header or rule.scheme.header).lower(), "")
    if not value.startswith(_GITHUB_PREFIX):
        raise SignatureRefusedError("missing_header")
    _require_match(rule.secrets, body, [value.removeprefix(_GITHUB_PREFIX)])
    return hashlib.sha256(body).digest()


def _timestamped(rule: SignatureRule, headers: Mapping[str, str], body: bytes, now_s: int) -> bytes:
    timestamps: list[str] = []
    signatures: list[str] = []
    for part in headers.get((rule.header or rule.scheme.header).lower(), "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            timestamps.append(value)
        elif name == "v1":
            signatures.append(value)
    if not timestamps or not signatures:
        raise SignatureRefusedError("missing_header")
    # Two times would leave open which of them was signed.
    if len(timestamps) != 1 or not _is_fresh(timestamps[0], now_s):
        raise SignatureRefusedError("bad_timestamp")
    signed = timestamps[0].encode() + b"." + body
    _require_match(rule.secrets, signed, signatures)
    return hashlib.sha256(signed).digest()


_CHECKS = {Scheme.STANDARD_WEBHOOKS: _standard, Scheme.GITHUB: _github, Scheme.TIMESTAMPED: _timestamped}


def _is_fresh(timestamp: str, now_s: int) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > _LONGEST_TIMESTAMP:
        return False
    return abs(now_s - int(timestamp)) <= TOLERANCE_S


def _require_match(secrets: Sequence[str], signed: bytes, signatures: Sequence[str]) -> None:
    """Some signature, in hexadecimal, must be that of some secret; all are compared, whatever matched before.

    Raises:
        SignatureRefusedError: none is.
    """
    given = [one.lower().encode() for one in signatures[:_MAX_SIGNATURES] if one.isascii() and len(one) == _HEX_DIGITS]
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in given]
    if not any(matches):
        raise SignatureRefusedError("no_match")
