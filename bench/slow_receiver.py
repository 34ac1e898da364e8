"""Receivers that answer late: ``python -m bench.slow_receiver PORT DELAY_MS ADDRESS_COUNT``."""

from __future__ import annotations

import asyncio
import re
import resource
import sys

from bench.receiver import address

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Late(asyncio.Protocol):
    """One connection: reads a request, answers after the delay."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer later, once the request is whole."""
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        length = _LENGTH.search(self._buffer, 0, end) if end >= 0 else None
        if length is None or len(self._buffer) < end + len(_HEAD_END) + int(length[1]):
            return
        self._buffer = b""
        if self._transport is not None:
            asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, _ANSWER)


async def _serve(port: int, delay_ms: int, addresses: int) -> None:
    loop = asyncio.get_running_loop()
    places = [address(number) for number in range(addresses)]
    server = await loop.create_server(lambda: Late(delay_ms / 1000), places, port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
