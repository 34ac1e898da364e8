"""From libcurl's error numbers to our failure classes."""

from __future__ import annotations

from dataclasses import dataclass

import pycurl

from app.delivery.exchange import FailureClass, TransferFailure

_TLS = frozenset(
    {
        *(pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CERTPROBLEM),
        *(pycurl.E_SSL_CIPHER, pycurl.E_USE_SSL_FAILED, pycurl.E_SSL_CACERT_BADFILE, pycurl.E_SSL_ISSUER_ERROR),
        *(pycurl.E_SSL_PINNEDPUBKEYNOTMATCH, pycurl.E_SSL_INVALIDCERTSTATUS, pycurl.E_SSL_ENGINE_INITFAILED),
    }
)
_CONFIGURATION = frozenset(
    {pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_URL_MALFORMAT, pycurl.E_BAD_FUNCTION_ARGUMENT, pycurl.E_FAILED_INIT}
)
_NOT_HTTP_ONCE_SENT = frozenset(
    {
        *(pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_BAD_CONTENT_ENCODING),
        *(pycurl.E_URL_MALFORMAT, pycurl.E_BAD_FUNCTION_ARGUMENT),
    }
)
_TOO_LARGE = 100
"""CURLE_TOO_LARGE: one header line above libcurl's own limit."""
_DETAIL_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer came before it failed."""

    encrypted: bool
    resolved: bool
    connected: bool
    request_sent: bool
    body_sent: bool
    head_complete: bool
    headers_cut: bool
    refusal: str
    resend_refused: bool
    limit_ms: int


def classify(code: int, message: str, progress: Progress) -> TransferFailure:
    """The class and the sentence for a transfer that libcurl ended with ``code``."""
    kind, detail = _kind(code, message, progress)
    return TransferFailure(
        kind=kind,
        detail=detail[:_DETAIL_LENGTH],
        request_sent=progress.request_sent,
        was_kept=kind is FailureClass.CONNECTION_LOST and progress.resend_refused,
    )


def _kind(code: int, message: str, progress: Progress) -> tuple[FailureClass, str]:
    if progress.refusal:
        return FailureClass.BLOCKED, progress.refusal
    if progress.resend_refused:
        return FailureClass.CONNECTION_LOST, "the connection closed without an answer; the request was not sent again"
    if progress.headers_cut or code == _TOO_LARGE:
        return FailureClass.HEADERS_TOO_LARGE, "the response headers are larger than 64 KiB"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return _timeout(progress)
    if progress.request_sent:
        return _after_sending(code, message)
    return _before_sending(code), message


def _timeout(progress: Progress) -> tuple[FailureClass, str]:
    within = f"within {progress.limit_ms} ms"
    if not progress.resolved:
        return FailureClass.DNS, "the name was not resolved in time"
    if not progress.connected:
        return FailureClass.CONNECT_TIMEOUT, "no connection in time"
    if not progress.request_sent:
        return (
            FailureClass.TLS if progress.encrypted else FailureClass.CONNECT_TIMEOUT
        ), "the TLS handshake took too long"
    if progress.head_complete:
        return FailureClass.TIMEOUT_BODY, f"the response body did not end {within}"
    if not progress.body_sent:
        return FailureClass.TIMEOUT_SENDING, f"the request was not taken {within}"
    return FailureClass.TIMEOUT_HEADERS, f"no complete response headers {within}"


def _after_sending(code: int, message: str) -> tuple[FailureClass, str]:
    if code in _NOT_HTTP_ONCE_SENT or (code == pycurl.E_RECV_ERROR and "chunk" in message):
        return FailureClass.NOT_HTTP, message
    return FailureClass.CONNECTION_LOST, message


def _before_sending(code: int) -> FailureClass:
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return FailureClass.DNS
    if code in _TLS:
        return FailureClass.TLS
    if code in _CONFIGURATION:
        return FailureClass.CONFIGURATION
    return FailureClass.CONNECT
