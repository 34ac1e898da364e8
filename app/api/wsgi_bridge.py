"""Flask behind an asynchronous server: one request as WSGI (PEP 3333) wants it, answered on a thread."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from app.api.rsgi_types import Headers, Protocol, Scope, Transport
from app.core.streams import STREAM_TAKER, Stream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_BARE = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environment(scope: Scope, body: bytes) -> WSGIEnvironment:
    """The WSGI environment of a request whose body was read."""
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope.path).decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ.update(_variables(scope.headers))
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ


def _variables(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.items():
        if "_" in name:
            continue  # would be taken for another header, whose name has a dash there
        key = _BARE.get(name) or "HTTP_" + name.upper().replace("-", "_")
        joint = "; " if key == "HTTP_COOKIE" else ","
        found[key] = f"{found[key]}{joint}{value}" if key in found else value
    return found


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose body is a stream of its own."""

    status: int
    headers: list[tuple[str, str]]
    stream: Stream


class WsgiBridge:
    """Runs a WSGI application for requests of an asynchronous server.

    Args:
        application: the WSGI application.
        threads: where it runs; one thread per request.
    """

    def __init__(self, application: WSGIApplication, threads: Executor) -> None:
        self._application = application
        self._threads = threads
        self._sending: set[asyncio.Future[None]] = set()

    async def answer(self, scope: Scope, protocol: Protocol, body: bytes) -> None:
        """Answer one request. A body made piece by piece keeps its thread; a stream that was handed over has none."""
        loop = asyncio.get_running_loop()
        streamed = await loop.run_in_executor(self._threads, self._run, environment(scope, body), protocol, loop)
        if streamed is not None:
            await self._send_stream(streamed, protocol)

    def end_streams(self) -> None:
        """End every stream at once; on the event loop."""
        for task in self._sending:
            task.cancel()

    async def _send_stream(self, streamed: Streamed, protocol: Protocol) -> None:
        """Send a stream until it ends or nobody listens any more."""
        sending = asyncio.ensure_future(_send_chunks(streamed, protocol))
        gone = asyncio.ensure_future(_until_gone(protocol))
        self._sending.add(sending)
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sending.discard(sending)
            streamed.stream.close()
            sending.cancel()
            gone.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    def _run(self, environ: WSGIEnvironment, protocol: Protocol, loop: asyncio.AbstractEventLoop) -> Streamed | None:
        begun: list[tuple[int, list[tuple[str, str]]]] = []
        taken: list[Stream] = []
        environ[STREAM_TAKER] = taken.append

        def start_response(status: str, headers: Sequence[tuple[str, str]], _failure: Any = None) -> Any:
            begun[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]

        answer = self._application(environ, start_response)
        try:
            # A generator calls start_response on its way to the first chunk.
            chunks = iter(answer)
            chunks = chain([next(chunks, b"")], chunks)
            status, headers = begun[0]
            if taken:
                return Streamed(status, [one for one in headers if one[0] != "content-length"], taken[0])
            if any(name == "content-length" for name, _ in headers):
                whole = b"".join(chunks)
                loop.call_soon_threadsafe(protocol.response_bytes, status, headers, whole)
            else:
                self._stream(protocol, status, headers, chunks, loop)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return None

    def _stream(
        self,
        protocol: Protocol,
        status: int,
        headers: list[tuple[str, str]],
        chunks: Iterable[bytes],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        transport = protocol.response_stream(status, headers)
        for chunk in chunks:
            asyncio.run_coroutine_threadsafe(_send(transport, chunk), loop).result()


async def _send_chunks(streamed: Streamed, protocol: Protocol) -> None:
    transport = protocol.response_stream(streamed.status, streamed.headers)
    async for chunk in streamed.stream.chunks():
        await transport.send_bytes(chunk)


async def _until_gone(protocol: Protocol) -> None:
    """As a coroutine: what the server gives to wait for is none."""
    await protocol.client_disconnect()


async def _send(transport: Transport, chunk: bytes) -> None:
    """On the loop: what the server gives to wait for is no coroutine, and belongs to this thread."""
    await transport.send_bytes(chunk)
