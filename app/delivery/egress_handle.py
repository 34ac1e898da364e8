"""One libcurl handle: its constant options, its callbacks, and the result of its transfer.

The constant options are set once. Between two transfers only what differs is set again, because an option costs
about as much as the rest of the bookkeeping.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import Enum
from functools import cache
from importlib.metadata import version
from typing import Any

import pycurl

from app.core.egress_table import NOT_ALLOWED
from app.core.endpoint_url import SYSLOG_SCHEMES, is_encrypted, origin, scheme_of
from app.delivery.egress_failure import Progress, classify
from app.delivery.egress_guard import EgressPolicy, Guard, Judged
from app.delivery.egress_tls import TlsVersions, version_in
from app.delivery.exchange import RESPONSE_CAP, Outgoing, Returned, Timings
from app.sinks.types import ClientCertificate

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE", "GET", "HEAD"})
BODILESS = frozenset({"GET", "HEAD"})
_KEPT_BODY = 16 * 1024
"""A resting handle lets go of a request body larger than this many bytes."""
_KEPT_OFFERS = 32
"""Addresses of one name that are remembered for the report."""
_ABORT = -1
_END_OF_HEAD = b"\r\n\r\n"
_BLANK_LINES = frozenset({b"\r\n", b"\n"})


@cache
def _user_agent() -> str:
    """Read once: looking a distribution's version up costs as much as ten requests."""
    return f"Relaypoint/{version('relaypoint')}"


class Errand(Enum):
    """What a handle is for."""

    REQUEST = "request"
    LOOK = "look"
    """Every address is judged and recorded in ``offered``; none is dialled."""
    CONNECT = "connect"
    """A judged and, if encrypted, verified connection is opened; the handle then sends and receives plain bytes."""


class Transfer:
    """A handle for requests of one method, used for one transfer after the other.

    Args:
        method: one of ``METHODS``.
        policy: the operator's policy.
        guard: judges for that policy.
        versions: what the client's connections speak.
        errand: what the handle is for; only ``REQUEST`` handles are used again.
        on_end: gets the result; without it, the result is the loop's to hand out.
    """

    def __init__(
        self,
        method: str,
        policy: EgressPolicy,
        guard: Guard,
        versions: TlsVersions,
        errand: Errand = Errand.REQUEST,
        on_end: Callable[[Returned], None] | None = None,
    ) -> None:
        self.method = method
        self.errand = errand
        self.on_end = on_end
        self._guard = guard
        self._versions = versions
        self.curl = pycurl.Curl()
        self.curl.transfer = self
        self._url = ""
        self._limits = (0, 0)
        self._scheme = ""
        self._certificate: ClientCertificate | None = None
        self._request: Outgoing | None = None
        self._lent: list[socket.socket] = []
        self._head: list[bytes] = []
        self._body: list[bytes] = []
        self.offered: list[Judged] = []
        self._rest()
        self._set_constants(policy)
        self._set_method(method)

    def load(self, request: Outgoing, lines: list[str]) -> None:
        """Prepares the handle for a request whose header ``lines`` were checked."""
        curl = self.curl
        self._request = request
        if request.url != self._url:
            self._scheme = scheme_of(request.url)
            curl.setopt(pycurl.URL, _libcurl_url(request.url, self._scheme))
            self._url = request.url
            curl.setopt(pycurl.VERBOSE, int(is_encrypted(self._scheme)))
        limits = (request.total_limit_ms, request.connect_limit_ms)
        if limits != self._limits:
            curl.setopt(pycurl.TIMEOUT_MS, limits[0])
            curl.setopt(pycurl.CONNECTTIMEOUT_MS, min(limits))
            self._limits = limits
        if request.client_certificate != self._certificate:
            self._show_certificate(request.client_certificate)
        curl.setopt(pycurl.HTTPHEADER, lines)
        if request.method not in BODILESS:
            curl.setopt(pycurl.POSTFIELDS, request.body)

    def _show_certificate(self, shown: ClientCertificate | None) -> None:
        """Libcurl keeps connections with different client certificates apart by itself."""
        for option, value in (
            (pycurl.SSLCERT_BLOB, shown.certificate if shown else None),
            (pycurl.SSLKEY_BLOB, shown.key if shown else None),
        ):
            if value is None:
                self.curl.unsetopt(option)
            else:
                self.curl.setopt(option, value)
        self._certificate = shown

    def finish(self, code: int, message: str) -> Returned:
        """The result after libcurl ended the transfer with ``code`` (0 = fine); the handle is free again."""
        request = self._request
        if request is None:
            raise RuntimeError("finish() without a request")
        ours = code == pycurl.E_WRITE_ERROR and self._truncated
        failure = None
        if code and not ours:
            failure = classify(code, message, self._progress(request))
        returned = Returned(
            key=request.key,
            status=self.curl.getinfo(pycurl.RESPONSE_CODE),
            head=self._last_head(),
            body=b"".join(self._body),
            truncated=self._truncated,
            peer=self._peer,
            tls_version=self._tls_version,
            timings=self._timings(),
            failure=failure,
        )
        if len(request.body) > _KEPT_BODY:
            self.curl.setopt(pycurl.POSTFIELDS, b"")
        self._rest()
        return returned

    def close(self) -> None:
        """Ends the handle."""
        self._rest()
        self.curl.transfer = None
        self.curl.close()

    def _rest(self) -> None:
        for lent in self._lent:
            lent.close()
        self._lent.clear()
        self._head.clear()
        self._body.clear()
        self._request = None
        self._head_size = 0
        self._body_size = 0
        self._truncated = False
        self._headers_cut = False
        self._refusal = ""
        self._requests = 0
        self._peer = ""
        self._handshake = ""
        self._tls_version = ""
        if self.offered:
            self.offered = []

    def _set_constants(self, policy: EgressPolicy) -> None:
        web = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
        options: tuple[tuple[int, Any], ...] = (
            (pycurl.PROTOCOLS, web),
            (pycurl.REDIR_PROTOCOLS, web),
            (pycurl.DEFAULT_PROTOCOL, "https"),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.HTTP09_ALLOWED, 0),
            (pycurl.NOSIGNAL, 1),
            (pycurl.FRESH_CONNECT, int(self.errand is not Errand.REQUEST)),
            (pycurl.CONNECT_ONLY, int(self.errand is Errand.CONNECT)),
            (pycurl.SSL_ENABLE_ALPN, int(self.errand is Errand.REQUEST)),
            (pycurl.PROXY, ""),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.CAINFO, policy.ca_bundle),
            (pycurl.USERAGENT, _user_agent()),
            (pycurl.OPENSOCKETFUNCTION, self._on_open),
            (pycurl.PREREQFUNCTION, self._on_request),
            (pycurl.HEADERFUNCTION, self._on_header),
            (pycurl.WRITEFUNCTION, self._on_body),
            (pycurl.DEBUGFUNCTION, self._on_note),
        )
        for option, value in options:
            self.curl.setopt(option, value)

    def _set_method(self, method: str) -> None:
        if method == "HEAD":
            self.curl.setopt(pycurl.NOBODY, 1)
        elif method == "GET":
            self.curl.setopt(pycurl.HTTPGET, 1)
        else:
            self.curl.setopt(pycurl.POST, 1)
            if method != "POST":
                self.curl.setopt(pycurl.CUSTOMREQUEST, method)

    def _on_open(self, purpose: int, peer: Any) -> Any:
        """Called by libcurl with each address it is about to dial; once one is refused, all later ones are."""
        try:
            return self._open(purpose, peer)
        except Exception as broken:  # noqa: BLE001 - whatever happens in here must refuse, and must not reach libcurl
            self._refusal = self._refusal or f"the address could not be judged: {type(broken).__name__}"
            return pycurl.SOCKET_BAD

    def _open(self, purpose: int, peer: Any) -> Any:
        if purpose != pycurl.SOCKTYPE_IPCXN or peer.family not in {socket.AF_INET, socket.AF_INET6}:
            self._refusal = "not an internet connection"
            return pycurl.SOCKET_BAD
        address, port = peer.addr[0], peer.addr[1]
        verdict = self._guard.verdict(address, port, self._scheme)
        if len(self.offered) < _KEPT_OFFERS:
            self.offered.append(Judged(address, port, verdict.allowed, verdict.rule))
        if not verdict.allowed and not self._refusal:
            self._refusal = f"{join_address(address, port)}{NOT_ALLOWED}{verdict.rule}"
        if self._refusal or self.errand is Errand.LOOK:
            return pycurl.SOCKET_BAD
        opened = socket.socket(peer.family, peer.socktype, peer.protocol)
        self._lent.append(opened)
        return opened

    def _on_note(self, kind: int, line: bytes) -> None:
        """Called with everything that libcurl does on an encrypted connection; only the handshake is of interest."""
        if kind == pycurl.INFOTYPE_TEXT:
            self._handshake = version_in(line) or self._handshake

    def _on_request(self, peer: str, local: str, port: int, local_port: int) -> int:
        """Called before each request, on reused connections too; lets exactly one request of an attempt pass.

        A second call means that libcurl wants to send the request again after a kept connection broke.
        """
        self._requests += 1
        if self._requests > 1:
            return int(pycurl.PREREQFUNC_ABORT)
        try:
            verdict = self._guard.verdict(peer, port, self._scheme)
        except Exception as broken:  # noqa: BLE001 - as in _on_open
            self._refusal = f"the address could not be judged: {type(broken).__name__}"
            return int(pycurl.PREREQFUNC_ABORT)
        if not verdict.allowed:
            self._refusal = f"{join_address(peer, port)}{NOT_ALLOWED}{verdict.rule}"
            return int(pycurl.PREREQFUNC_ABORT)
        self._peer = join_address(peer, port)
        if is_encrypted(self._scheme):
            connection = (local, local_port, peer, port)
            if self._handshake:
                self._versions.learn(connection, self._handshake)
            self._tls_version = self._versions.of(connection)
        return int(pycurl.PREREQFUNC_OK)

    def _on_header(self, line: bytes) -> int | None:
        self._head_size += len(line)
        if self._head_size > RESPONSE_CAP:
            self._headers_cut = True
            return _ABORT
        self._head.append(line)
        return None

    def _on_body(self, chunk: bytes) -> int | None:
        self._body_size += len(chunk)
        surplus = self._body_size - RESPONSE_CAP
        if surplus <= 0:
            self._body.append(chunk)
            return None
        self._body.append(chunk[:-surplus])
        self._truncated = True
        return _ABORT

    def _last_head(self) -> bytes:
        """The final status line and its headers, without interim answers before it and trailers after it."""
        whole = b"".join(self._head)
        if whole.find(_END_OF_HEAD) == len(whole) - len(_END_OF_HEAD):
            return whole
        block: list[bytes] = []
        ended = False
        for line in self._head:
            if ended and line.startswith(b"HTTP/"):
                block, ended = [], False
            if not ended:
                block.append(line)
            ended = ended or line in _BLANK_LINES
        return b"".join(block)

    def _head_complete(self) -> bool:
        head = self._last_head()
        return head.endswith((_END_OF_HEAD, b"\n\n")) and not head.split(b" ", 1)[-1].startswith(b"1")

    def _progress(self, request: Outgoing) -> Progress:
        passed = self._requests > 0 and not self._refusal
        return Progress(
            encrypted=is_encrypted(self._scheme),
            resolved=bool(self.offered) or self._requests > 0,
            connected=passed or self.curl.getinfo(pycurl.CONNECT_TIME_T) > 0,
            request_sent=passed,
            body_sent=self.curl.getinfo(pycurl.SIZE_UPLOAD_T) >= len(request.body),
            head_complete=self._head_complete(),
            headers_cut=self._headers_cut,
            refusal=self._refusal,
            resend_refused=self._requests > 1,
            limit_ms=request.total_limit_ms,
        )

    def _timings(self) -> Timings:
        ask = self.curl.getinfo
        first, total = ask(pycurl.STARTTRANSFER_TIME_T), ask(pycurl.TOTAL_TIME_T)
        if not self._lent:
            return Timings(first_byte=first, total=total)
        return Timings(
            dns=ask(pycurl.NAMELOOKUP_TIME_T),
            connect=ask(pycurl.CONNECT_TIME_T),
            tls=ask(pycurl.APPCONNECT_TIME_T),
            first_byte=first,
            total=total,
        )


def join_address(address: str, port: int) -> str:
    """``address:port`` for people, an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _libcurl_url(url: str, scheme: str) -> str:
    """The URL to connect to: for syslog, which libcurl does not know, as for HTTP, over which it then says nothing."""
    if scheme not in SYSLOG_SCHEMES:
        return url
    return ("https" if is_encrypted(scheme) else "http") + origin(url).removeprefix(scheme) + "/"
