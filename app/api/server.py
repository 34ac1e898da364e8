"""The web process's application: RSGI, the server's own interface, in front of Flask."""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response
from granian.rsgi import ProtocolClosed, ProtocolError

from app.api.admission import Admission, Place
from app.api.application import AUTHENTICATOR, EXTENSION
from app.api.authentication import Authenticator
from app.api.event_door import accepted_answer
from app.api.event_lane import EventLane
from app.api.front import EVENTS_PATH, answer_headers, count_answer
from app.api.problems import answer_to
from app.api.rsgi_types import Protocol, Scope
from app.api.wsgi_bridge import WsgiBridge
from app.core.errors import OverloadedError, RateLimitedError, StoreUnavailableError
from app.services import Services

THREADS = 16
"""Requests that Flask works on at once; the store has a connection for each."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class ServerApplication:
    """Answers requests: events on the event loop where that is possible, everything else through Flask on threads.

    Args:
        flask: the application.
    """

    def __init__(self, flask: Flask) -> None:
        services: Services = flask.extensions[EXTENSION]
        authenticator: Authenticator = flask.extensions[AUTHENTICATOR]
        self._counts = services.counts
        self._limit = services.settings.ingest_max_bytes
        self._headers = list(answer_headers(services.settings).items())
        self._lane = EventLane(services.ingest, services.gate, authenticator)
        self._bridge = WsgiBridge(flask, ThreadPoolExecutor(THREADS, "api"))
        self._admission = Admission()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the main thread, before the first request: streams end when the server is asked to.

        It waits for answers that are under way, and a stream is under way for a minute. Its own handlers stay: the loop
        hears of a signal by a file descriptor, whichever Python function is registered beside.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._bridge.end_streams))

    async def __rsgi__(self, scope: Scope, protocol: Protocol) -> None:
        """Answer one request."""
        try:
            with self._admission.place() as place:
                body = await self._body(scope, protocol, place)
                await self._answer(scope, protocol, body)
        except (OverloadedError, RateLimitedError, StoreUnavailableError) as error:
            self._send(scope, protocol, answer_to(error))
        except (ProtocolClosed, ProtocolError):
            return  # whoever asked is gone

    async def _body(self, scope: Scope, protocol: Protocol, place: Place) -> bytes:
        """The body; of one that is too large, no more than shows that it is."""
        announced = scope.headers.get("content-length", "")
        if announced:
            size = int(announced)
            if not 0 < size <= self._limit:
                return b""
            place.hold(size)
            return await protocol()
        if scope.method in _BODILESS:
            return b""
        chunks: list[bytes] = []
        size = 0
        async for chunk in protocol:
            place.hold(len(chunk))
            chunks.append(chunk)
            size += len(chunk)
            if size > self._limit:
                break
        return b"".join(chunks)

    async def _answer(self, scope: Scope, protocol: Protocol, body: bytes) -> None:
        if scope.method == "POST" and scope.path == EVENTS_PATH:
            result = await self._lane.take(scope.headers, body)
            if result is not None:
                headers, content = accepted_answer(result, self._counts)
                protocol.response_bytes(200, headers + self._headers, content)
                return
        await self._bridge.answer(scope, protocol, body)

    def _send(self, scope: Scope, protocol: Protocol, answer: Response) -> None:
        answer.headers.update(self._headers)
        count_answer(self._counts, scope.method, answer.status_code)
        headers = [(name.lower(), value) for name, value in answer.headers]
        protocol.response_bytes(answer.status_code, headers, answer.get_data())
