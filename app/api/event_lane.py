"""The fast lane of ``POST /v1/events``: on the server's own event loop, with no thread per request.

Sixty threads that wait for one commit spend more time on waking each other than on events. So a request that needs
nothing but memory until its commit is served here: a known key, a small plain body, known names. Every other request
takes the long way (``app.api.event_door``), which may read from the database and says what is wrong.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from app.api.authentication import Authenticator
from app.api.event_door import SEND_ACCESS
from app.api.rsgi_types import Headers
from app.core.errors import RelaypointError
from app.ingest.accept import IngestResult, IngestService, Prepared
from app.ingest.gate import Gate, Terms
from app.ingest.group_commit import PATIENCE_S, Ticket
from app.ingest.writing import Arrival, Written
from app.security.principal import Principal

MAX_BYTES = 256 * 1024
"""A larger body would hold the loop, and everybody on it, for too long."""
_EVENT_HEADERS = ("webhook-id",)


class EventLane:
    """Takes small bodies in without waiting for anything but the commit. Used by one event loop.

    Args:
        ingest: the use case.
        gate: how much each sender may send, and how it must sign.
        authenticator: who is calling.
    """

    def __init__(self, ingest: IngestService, gate: Gate, authenticator: Authenticator) -> None:
        self._ingest = ingest
        self._gate = gate
        self._authenticator = authenticator
        self._settled: deque[asyncio.Future[None]] = deque()

    async def take(self, headers: Headers, body: bytes) -> IngestResult | None:
        """Accept a body; None when the request must take the long way, and nothing was done about it yet.

        Raises:
            RateLimitedError: the sender has sent too much.
            StoreUnavailableError: nothing was committed.
        """
        prepared = self._prepared(headers, body)
        if prepared is None:
            return None
        return prepared.result(await self._committed(prepared.arrival))

    def _prepared(self, headers: Headers, body: bytes) -> Prepared | None:
        if len(body) > MAX_BYTES or "content-encoding" in headers or "ce-specversion" in headers:
            return None
        principal = self._authenticator.remembered(headers.get("authorization", ""))
        if principal is None or not principal.may(SEND_ACCESS):
            return None
        terms = self._gate.remembered(principal.id)
        if terms is None:
            return None
        return self._from_memory(headers, body, principal, terms)

    def _from_memory(self, headers: Headers, body: bytes, principal: Principal, terms: Terms) -> Prepared | None:
        about_event = {name: headers.get(name, "") for name in _EVENT_HEADERS if name in headers}
        kind = headers.get("content-type", "")
        passage = self._gate.admit(principal.id, terms)
        try:
            if terms.rule is not None:
                signed = {name: headers.get(name, "") for name in terms.rule.header_names() if name in headers}
                passage = self._gate.proven(passage, terms.rule, signed, body)
            prepared = self._ingest.prepare(body, kind, about_event, principal, passage, may_read=False)
        except RelaypointError:
            return None
        return prepared if prepared.candidates else None

    async def _committed(self, arrival: Arrival) -> Written:
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        ticket = Ticket[Arrival, Written](arrival, len(arrival.candidates), partial(self._done, settled, loop))
        self._ingest.commits.enqueue(ticket)
        patience = loop.call_later(PATIENCE_S, self._lose_patience, ticket, settled)
        await settled
        patience.cancel()
        return ticket.outcome()

    def _lose_patience(self, ticket: Ticket[Arrival, Written], settled: asyncio.Future[None]) -> None:
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
