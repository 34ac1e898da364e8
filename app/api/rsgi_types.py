"""What the server hands us of a request: the part of RSGI 1.5, granian's own interface, that is used here."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol as TypingProtocol


class Headers(TypingProtocol):
    """Request headers; names are in lower case."""

    def __contains__(self, key: str) -> bool: ...

    def get(self, key: str, default: str = "") -> str:
        """The first value of a header."""
        ...

    def items(self) -> list[tuple[str, str]]:
        """Every header, a repeated one each time."""
        ...


class Scope(TypingProtocol):
    """A request without its body. ``client`` and ``server`` are ``address:port``."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Headers


class Transport(TypingProtocol):
    """An answer that is sent piece by piece."""

    def send_bytes(self, data: bytes) -> Awaitable[None]:
        """Send the next piece."""
        ...


class Protocol(TypingProtocol):
    """Reads the body and sends the answer."""

    async def __call__(self) -> bytes:
        """The whole body."""
        ...

    def __aiter__(self) -> Protocol:
        """The body piece by piece."""
        ...

    async def __anext__(self) -> bytes:
        """The next piece."""
        ...

    def client_disconnect(self) -> Awaitable[None]:
        """Wait until whoever asked is gone."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""
        ...

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Transport:
        """Begin an answer that is sent piece by piece."""
        ...
