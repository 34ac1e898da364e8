"""A small HTTP/1.1 server for the receiver: keep-alive, a body of known length, nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
_EARLIEST_ERROR = 400
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer, after ``delay_s`` seconds."""

    status: int
    body: bytes
    content_type: str = "text/plain"
    delay_s: float = 0.0


Handler = Callable[[Request], Reply]


class Connection(asyncio.Protocol):
    """One client connection. Requests on it are answered one after the other.

    Args:
        handle: answers a request; must not block.
        connections: holds this connection while it is open.
    """

    def __init__(self, handle: Handler, connections: set[Connection]) -> None:
        self._handle = handle
        self._connections = connections
        self._buffer = bytearray()
        self._head: Request | None = None
        self._length = 0
        self._waiting = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        del exc
        self._connections.discard(self)
        self._transport = None

    def close(self) -> None:
        """Closes after what was written has left."""
        if self._transport:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collects bytes until a whole request is there."""
        self._buffer += data
        self._advance()

    def _advance(self) -> None:
        while not self._waiting and self._transport and not self._transport.is_closing():
            if self._head is None and not self._read_head():
                return
            if self._head is None or len(self._buffer) < self._length:
                return
            head, self._head = self._head, None
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._answer(Request(head.method, head.target, head.headers, body))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                self._fail(431)
            return False
        request_line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length", "0")
        parts = request_line.split(" ")
        if len(parts) != 3 or not (length.isascii() and length.isdigit()):  # noqa: PLR2004 - method, target, version
            return self._fail(_EARLIEST_ERROR)
        if "transfer-encoding" in headers:
            return self._fail(411)
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            return self._fail(413)
        self._head, self._length = Request(parts[0], parts[1], headers, b""), int(length)
        if headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(_CONTINUE)
        return True

    def _fail(self, status: int) -> bool:
        self._write(Reply(status, b""), close=True)
        return False

    def _answer(self, request: Request) -> None:
        reply = self._handle(request)
        close = request.headers.get("connection", "").lower() == "close"
        if reply.delay_s:
            self._waiting = True
            asyncio.get_running_loop().call_later(reply.delay_s, self._answer_late, reply, close)
        else:
            self._write(reply, close=close)

    def _answer_late(self, reply: Reply, close: bool) -> None:  # noqa: FBT001 - call_later passes by position
        self._waiting = False
        self._write(reply, close=close)
        self._advance()

    def _write(self, reply: Reply, *, close: bool) -> None:
        if not self._transport or self._transport.is_closing():
            return
        closing = "connection: close\r\n" if close else ""
        head = (
            f"HTTP/1.1 {reply.status} {_phrase(reply.status)}\r\ncontent-type: {reply.content_type}\r\n"
            f"content-length: {len(reply.body)}\r\n{closing}\r\n"
        )
        self._transport.write(head.encode("latin-1") + reply.body)
        if close:
            self._transport.close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
