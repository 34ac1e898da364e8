"""A receiver inside the benchmark's own process that remembers when each event arrived."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ID = re.compile(rb'"id":"(lat-[^"]+)"')
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Arrivals(asyncio.Protocol):
    """One connection of the receiver; ``seen`` is shared by all."""

    def __init__(self, seen: dict[str, list[float]]) -> None:
        self._seen = seen
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take whole requests off the buffer, note their event, and answer."""
        now = time.perf_counter()
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            size = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            found = _ID.search(self._buffer, end, size)
            if found:
                self._seen.setdefault(found[1].decode(), []).append(now)
            self._buffer = self._buffer[size:]
            if self._transport is not None:
                self._transport.write(_ANSWER)


@contextmanager
def arrivals() -> Iterator[tuple[str, dict[str, list[float]]]]:
    """A receiver on a thread: its URL, and when each event id was there, copies and all (``time.perf_counter``)."""
    seen: dict[str, list[float]] = {}
    ready = threading.Event()
    place: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Arrivals(seen), "127.0.0.1", 0)
        place.append((f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", loop))
        ready.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        try:
            asyncio.run(serve())
        except asyncio.CancelledError:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    url, loop = place[0]
    try:
        yield url, seen
    finally:
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
