"""The fast lane of ``POST /v1/events``: on the server's own event loop, with no thread per request.

Sixty threads that wait for one commit spend more time on waking each other than on events. So a request that needs
nothing but memory until its commit is served here: a known key, a small plain body, known names. Every other request
takes the long way (``app.api.event_door``), which may read from the database and says what is wrong.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

from app.api.authentication import Authenticator
from app.api.event_door import SEND_ACCESS
from app.api.rsgi_types import Headers
from app.core.errors import RelaypointError
from app.ingest.accept import IngestResult, IngestService, Prepared
from app.ingest.group_commit import PATIENCE_S, Ticket
from app.ingest.writing import Candidate, Written
from app.security.principal import Principal

MAX_BYTES = 256 * 1024
"""A larger body would hold the loop, and everybody on it, for too long."""
_EVENT_HEADERS = ("webhook-id",)


class EventLane:
    """Takes small bodies in without waiting for anything but the commit. Used by one event loop.

    Args:
        ingest: the use case.
        authenticator: who is calling.
    """

    def __init__(self, ingest: IngestService, authenticator: Authenticator) -> None:
        self._ingest = ingest
        self._authenticator = authenticator
        self._settled: deque[asyncio.Future[None]] = deque()

    async def take(self, headers: Headers, body: bytes) -> IngestResult | None:
        """Accept a body; None when the request must take the long way, and nothing was done about it yet.

        Raises:
            StoreUnavailableError: nothing was committed.
        """
        prepared = self._prepared(headers, body)
        if prepared is None:
            return None
        return prepared.result(await self._committed(prepared.candidates))

    def _prepared(self, headers: Headers, body: bytes) -> Prepared | None:
        if len(body) > MAX_BYTES or "content-encoding" in headers or "ce-specversion" in headers:
            return None
        principal = self._authenticator.remembered(headers.get("authorization", ""))
        if principal is None or not principal.may(SEND_ACCESS):
            return None
        return self._from_memory(headers, body, principal)

    def _from_memory(self, headers: Headers, body: bytes, principal: Principal) -> Prepared | None:
        about_event = {name: headers.get(name, "") for name in _EVENT_HEADERS if name in headers}
        kind = headers.get("content-type", "")
        try:
            prepared = self._ingest.prepare(body, kind, about_event, principal, may_read=False)
        except RelaypointError:
            return None
        return prepared if prepared.candidates else None

    async def _committed(self, candidates: Sequence[Candidate]) -> Written:
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        ticket: Ticket[Sequence[Candidate], Written] = Ticket(
            candidates, len(candidates), partial(self._done, settled, loop)
        )
        self._ingest.commits.enqueue(ticket)
        patience = loop.call_later(PATIENCE_S, self._lose_patience, ticket, settled)
        await settled
        patience.cancel()
        return ticket.outcome()

    def _lose_patience(self, ticket: Ticket[Sequence[Candidate], Written], settled: asyncio.Future[None]) -> None:
        if self._ingest.commits.give_up(ticket) and not settled.done():
            settled.set_result(None)

    def _done(self, settled: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> None:
        """Called by the committing thread; wakes the loop once for a whole group."""
        self._settled.append(settled)
        if len(self._settled) == 1:
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        while self._settled:
            settled = self._settled.popleft()
            if not settled.done():
                settled.set_result(None)
