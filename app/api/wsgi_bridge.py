"""Flask behind an asynchronous server: one request as WSGI (PEP 3333) wants it, answered on a thread."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from app.api.rsgi_types import Headers, Protocol, Scope, Transport

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


class WsgiBridge:
    """Runs a WSGI application for requests of an asynchronous server.

    Args:
        application: the WSGI application.
        threads: where it runs; one thread per request.
    """

    def __init__(self, application: WSGIApplication, threads: Executor) -> None:
        self._application = application
        self._threads = threads

    async def answer(self, scope: Scope, protocol: Protocol, body: bytes) -> None:
        """Answer one request; a stream keeps its thread until it ends."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._run, environment(scope, body), protocol, loop)

    def _run(self, environ: WSGIEnvironment, protocol: Protocol, loop: asyncio.AbstractEventLoop) -> None:
        begun: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: Sequence[tuple[str, str]], _failure: Any = None) -> Any:
            begun[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]

        answer = self._application(environ, start_response)
        try:
            # A generator calls start_response on its way to the first chunk.
            chunks = iter(answer)
            chunks = chain([next(chunks, b"")], chunks)
            status, headers = begun[0]
            if any(name == "content-length" for name, _ in headers):
                whole = b"".join(chunks)
                loop.call_soon_threadsafe(protocol.response_bytes, status, headers, whole)
            else:
                self._stream(protocol, status, headers, chunks, loop)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

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


async def _send(transport: Transport, chunk: bytes) -> None:
    """On the loop: what the server gives to wait for is no coroutine, and belongs to this thread."""
    await transport.send_bytes(chunk)
