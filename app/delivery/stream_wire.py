"""The wires to syslog receivers: a kept TCP or TLS connection, and a UDP socket.

Both are guarded by the same callback as every HTTP request. libcurl resolves the name, asks for each address, connects
and verifies; a datagram goes to an address that was just judged, without a second resolution.
"""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
from collections.abc import Callable
from functools import partial
from typing import Protocol

import pycurl

from app.delivery.egress_guard import Judged
from app.delivery.egress_handle import Errand, Transfer, join_address
from app.delivery.egress_loop import TransferLoop
from app.delivery.exchange import (
    CONNECT_LIMIT_MS,
    RESPONSE_CAP,
    FailureClass,
    Returned,
    Timings,
    TransferFailure,
)
from app.sinks.types import ClientCertificate

OnOpen = Callable[[TransferFailure | None], None]
"""Called once: with None when the wire can be written, else with what went wrong."""

CHUNK = 256 * 1024
"""Most bytes handed to a connection at once."""
_READ = 16 * 1024
_BYTES_ACKED = 120
_TCP_INFO_SIZE = 128
"""Linux's ``struct tcp_info``: ``tcpi_state`` is its first byte, ``tcpi_bytes_acked`` the eight from 120 on."""
_TCP_CLOSE = 7


class WireBrokenError(Exception):
    """The wire takes nothing more; the message says why, for people."""


class Wire(Protocol):
    """A way to one receiver. Nothing here blocks."""

    peer: str
    timings: Timings

    def open(self, on_open: OnOpen) -> None:
        """Begins to open the wire."""
        ...

    def write(self, data: memoryview) -> int:
        """Hands over bytes; answers how many were taken, 0 when there is no room now.

        Raises:
            WireBrokenError: nothing can be written any more.
        """
        ...

    def mark(self) -> int:
        """Where the last byte handed over stands in the wire's own count."""
        ...

    def reached(self, mark: int) -> bool:
        """Whether everything up to the mark has arrived, as far as this wire can know."""
        ...

    def ending(self) -> str:
        """Why this wire must not be used any more, or "" while it is well."""
        ...

    def watch(self, on_news: Callable[[], None], *, writable: bool) -> None:
        """Calls ``on_news`` when the receiver says something, and, if asked, when there is room again."""
        ...

    def close(self) -> None:
        """Ends it. May be called at any time."""
        ...


class StreamWire:
    """A TCP connection, with TLS when the URL says so."""

    def __init__(self, loop: TransferLoop, url: str, certificate: ClientCertificate | None) -> None:
        self._loop = loop
        self._url = url
        self._certificate = certificate
        self._transfer: Transfer | None = None
        self._descriptor = -1
        self._tcp: socket.socket | None = None
        self._heard = 0
        self.peer = ""
        self.timings = Timings()

    def open(self, on_open: OnOpen) -> None:
        """Connects, and verifies the receiver's certificate."""
        self._transfer = self._loop.errand(
            Errand.CONNECT, self._url, CONNECT_LIMIT_MS, partial(self._opened, on_open), self._certificate
        )

    def _opened(self, on_open: OnOpen, returned: Returned) -> None:
        self.peer, self.timings = returned.peer, returned.timings
        if returned.failure is not None:
            self._transfer = None
        elif self._transfer is not None:
            self._descriptor = self._transfer.curl.getinfo(pycurl.ACTIVESOCKET)
            self._tcp = socket.socket(fileno=self._descriptor)
        on_open(returned.failure)

    def write(self, data: memoryview) -> int:
        """See ``Wire.write``."""
        if self._transfer is None:
            raise WireBrokenError("the connection is closed")
        try:
            return int(self._transfer.curl.send(data[:CHUNK]))
        except BlockingIOError:
            return 0
        except pycurl.error as broken:
            raise WireBrokenError(_words(broken)) from None

    def mark(self) -> int:
        """Bytes acknowledged so far plus those that are not, TLS records included."""
        while self._tcp is not None:
            acknowledged = self._acknowledged(self._tcp)
            waiting = int.from_bytes(fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
            if acknowledged == self._acknowledged(self._tcp):
                return acknowledged + waiting
        return 0

    def reached(self, mark: int) -> bool:
        """The receiver's kernel acknowledged it, and did not reset the connection, which would throw it away."""
        return self._tcp is not None and self._acknowledged(self._tcp) >= mark

    @staticmethod
    def _acknowledged(tcp: socket.socket) -> int:
        """Bytes that the peer acknowledged; -1 after a reset."""
        info = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        if info[0] == _TCP_CLOSE:
            return -1
        return int.from_bytes(info[_BYTES_ACKED:_TCP_INFO_SIZE], sys.byteorder)

    def ending(self) -> str:
        """Reads what the receiver may have said: its goodbye ends the wire, anything else is passed over."""
        if self._transfer is None:
            return "the connection is closed"
        try:
            while heard := self._transfer.curl.recv(_READ):
                self._heard += len(heard)
                if self._heard > RESPONSE_CAP:
                    return "the receiver talks back; it is no syslog receiver"
        except BlockingIOError:
            return ""
        except pycurl.error as broken:
            return _words(broken)
        return "the receiver closed the connection"

    def watch(self, on_news: Callable[[], None], *, writable: bool) -> None:
        """See ``Wire.watch``."""
        self._loop.watch(self._descriptor, on_news, writable=writable)

    def close(self) -> None:
        """See ``Wire.close``."""
        if self._tcp is not None:
            self._loop.unwatch(self._descriptor)
            self._tcp.detach()
            self._tcp = None
        if self._transfer is not None:
            self._loop.drop(self._transfer)
            self._transfer = None


class DatagramWire:
    """A UDP socket tied to one judged address; each write is one datagram."""

    def __init__(self, loop: TransferLoop, url: str) -> None:
        self._loop = loop
        self._url = url
        self._look: Transfer | None = None
        self._offered: list[Judged] = []
        self._socket: socket.socket | None = None
        self._refused = ""
        self.peer = ""
        self.timings = Timings()

    def open(self, on_open: OnOpen) -> None:
        """Looks up and judges the addresses, then ties a socket to the first that the network knows."""
        self._look = self._loop.errand(Errand.LOOK, self._url, CONNECT_LIMIT_MS, partial(self._looked, on_open))
        self._offered = self._look.offered

    def _looked(self, on_open: OnOpen, returned: Returned) -> None:
        self._look = None
        self.timings = Timings(dns=returned.timings.dns)
        if all(one.allowed for one in self._offered):
            self._tie()
        if self._socket is not None:
            on_open(None)
        elif returned.failure is not None and not any(one.allowed for one in self._offered):
            on_open(returned.failure)
        else:
            detail = returned.failure.detail if returned.failure else "no way to any address of the name"
            on_open(TransferFailure(_kind(self._offered), detail, request_sent=False))

    def _tie(self) -> None:
        for one in self._offered:
            family = socket.AF_INET6 if ":" in one.address else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_DGRAM)
            opened.setblocking(False)
            try:
                opened.connect((one.address, one.port))
            except OSError:
                opened.close()
                continue
            self._socket = opened
            self.peer = join_address(one.address, one.port)
            return

    def write(self, data: memoryview) -> int:
        """See ``Wire.write``."""
        if self._socket is None:
            raise WireBrokenError("the socket is closed")
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as broken:
            raise WireBrokenError(_refusal(broken)) from None

    def mark(self) -> int:
        """Nothing is counted: a datagram that was sent is gone."""
        return 0

    def reached(self, mark: int) -> bool:  # noqa: ARG002 - as in Wire
        """At once, unless the receiver's machine has refused a datagram."""
        return not self.ending()

    def ending(self) -> str:
        """Asks whether the receiver's machine refused an earlier datagram; answers of other kinds are passed over."""
        if self._socket is None:
            return "the socket is closed"
        try:
            self._socket.recv(_READ)
        except BlockingIOError:
            return self._refused
        except OSError as broken:
            self._refused = _refusal(broken)
        return self._refused

    def watch(self, on_news: Callable[[], None], *, writable: bool) -> None:
        """See ``Wire.watch``."""
        if self._socket is not None:
            self._loop.watch(self._socket.fileno(), on_news, writable=writable)

    def close(self) -> None:
        """See ``Wire.close``."""
        if self._look is not None:
            self._loop.drop(self._look)
            self._look = None
        if self._socket is not None:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None


def _words(broken: pycurl.error) -> str:
    return str(broken.args[-1]) if broken.args else "the connection broke"


def _refusal(broken: OSError) -> str:
    if isinstance(broken, ConnectionRefusedError):
        return "nothing listens on that port; a datagram was refused"
    return broken.strerror or type(broken).__name__


def _kind(offered: list[Judged]) -> FailureClass:
    return FailureClass.CONNECT if all(one.allowed for one in offered) else FailureClass.BLOCKED
