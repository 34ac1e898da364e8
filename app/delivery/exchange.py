"""One exchange as the egress client sees it: what goes out, what came back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from app.sinks.types import ClientCertificate

CONNECT_LIMIT_MS = 5_000
TOTAL_LIMIT_MS = 15_000
RESPONSE_CAP = 64 * 1024
"""Bytes of response body kept, and bytes of response headers allowed."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready for the wire. ``key`` is the caller's own handle and comes back with the result.

    When the URL names a syslog receiver, ``body`` is what is written, and ``method`` and ``headers`` are not sent.
    ``client_certificate`` is shown to a receiver that asks for one during the TLS handshake.
    """

    key: Any
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    total_limit_ms: int = TOTAL_LIMIT_MS
    connect_limit_ms: int = CONNECT_LIMIT_MS
    client_certificate: ClientCertificate | None = None


class FailureClass(StrEnum):
    """Why the bytes were not taken, or no usable HTTP answer came."""

    BLOCKED = "blocked"
    """The address policy refused the target. No connection was opened."""
    CONFIGURATION = "configuration_error"
    """The URL or a header can never be sent."""
    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    TIMEOUT_SENDING = "timeout_sending"
    TIMEOUT_HEADERS = "timeout_waiting_for_headers"
    TIMEOUT_BODY = "timeout_reading_body"
    CONNECTION_LOST = "connection_lost"
    """The connection broke; see ``request_sent``."""
    NOT_HTTP = "not_a_valid_http_response"
    HEADERS_TOO_LARGE = "response_headers_too_large"


@dataclass(frozen=True, slots=True)
class TransferFailure:
    """A failed transfer. ``request_sent`` is True when any byte of the request may have left this machine.

    ``was_kept`` is True when it went out on a kept connection that closed without an answer: most likely the receiver
    was closing an idle connection just then, and nothing is wrong with it.
    """

    kind: FailureClass
    detail: str
    request_sent: bool
    was_kept: bool = False


class Timings(NamedTuple):
    """Phases of a transfer in microseconds from its start; 0 = the phase was not reached or not needed."""

    dns: int = 0
    connect: int = 0
    tls: int = 0
    first_byte: int = 0
    total: int = 0


class Returned(NamedTuple):
    """What came back. ``failure`` is None when an HTTP answer arrived; then ``status`` is its code.

    ``head`` is the exact status line and headers, ``body`` the exact body bytes up to the cap. Syslog has no answer:
    without a failure, ``status`` 0 means that every byte was written.
    """

    key: Any
    status: int
    head: bytes
    body: bytes
    truncated: bool
    peer: str
    timings: Timings
    failure: TransferFailure | None = None
    tls_version: str = ""

    @property
    def is_unanswered(self) -> bool:
        """Whether everything was written to a receiver that never answers."""
        return self.failure is None and not self.status
