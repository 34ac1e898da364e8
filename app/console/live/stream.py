"""One page that is live: what its browser is told, and when (server-sent events, WHATWG HTML section 9.2)."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from app.security.permissions import Permission
from app.security.person import Person
from app.store.pulse import Pulse

LONGEST_S = 60.0
"""Then a stream ends, and the browser comes back by itself: no connection outlives a change of proxy or server."""
HEARTBEAT_S = 15.0
"""After so much silence a comment is sent: proxies cut connections on which nothing moves."""
_COME_BACK_MS = 1_000
_MARK_BYTES = 12


@dataclass(frozen=True, slots=True)
class Listener:
    """Whose browser listens, by the digest of the session, to which place, and what that takes."""

    session: bytes = field(repr=False)
    organization_id: str
    context_id: str | None
    needs: Permission

    def is_welcome(self, person: Person | None) -> bool:
        """Whether the person of the session, as the database has it now, may still listen."""
        principal = None if person is None else person.principal_at(self.organization_id, self.context_id)
        return principal is not None and principal.may(self.needs)

    def mark(self, pulse: Pulse) -> str:
        """How far everything has come, as an event id: it tells nothing, and is another one in another session."""
        return hashlib.blake2b(repr(pulse).encode(), key=self.session, digest_size=_MARK_BYTES).hexdigest()


class LiveStream:
    """Tells one browser that something changed, never what. It is told from any thread, and sent on the event loop.

    Args:
        listener: whose it is.
        pulse: how far everything has come.
        known: the id of the last event the browser has seen; "" = none.
        leave: called when nobody listens any more.
    """

    def __init__(self, listener: Listener, pulse: Pulse, known: str, leave: Callable[[LiveStream], None]) -> None:
        self.listener = listener
        self._leave = leave
        self._until = time.monotonic() + LONGEST_S
        self._mutex = threading.Lock()
        self._wake: Callable[[], object] | None = None
        self._mark = listener.mark(pulse)
        self._has_news = known != self._mark
        self._is_over = False
        self._last_words = ""

    @property
    def is_abandoned(self) -> bool:
        """Whether it should have ended long ago: the request was lost before anything was sent."""
        return time.monotonic() > self._until + HEARTBEAT_S

    def tell(self, pulse: Pulse) -> None:
        """Something changed, unless this is how far everything had come when it began."""
        mark = self.listener.mark(pulse)
        with self._mutex:
            if mark != self._mark:
                self._mark, self._has_news = mark, True
                self._rouse()

    def end(self, words: str = "") -> None:
        """End at once.

        Args:
            words: what the page shows from then on, without coming back; "" = it comes back by itself.
        """
        with self._mutex:
            self._is_over, self._last_words = True, words
            self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None:
            self._wake()

    def close(self) -> None:
        """Nobody listens any more."""
        with self._mutex:
            self._wake = None
        self._leave(self)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is sent, bit by bit."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        with self._mutex:
            self._wake = lambda: loop.call_soon_threadsafe(woken.set)
            # Only when this arrives does the page rely on the stream: a proxy may hold back what follows the headers.
            begin = f"retry: {_COME_BACK_MS}\nid: {self._mark}\nevent: here\ndata:\n\n"
        yield begin.encode()
        while True:
            woken.clear()
            said, is_over = self._due()
            if said:
                yield said
            left = self._until - time.monotonic()
            if is_over or left <= 0:
                return
            try:
                await asyncio.wait_for(woken.wait(), min(HEARTBEAT_S, left))
            except TimeoutError:
                yield b":\n\n"

    def _due(self) -> tuple[bytes, bool]:
        """What has to be said now, and whether that was all."""
        with self._mutex:
            said = f"id: {self._mark}\ndata: changed\n\n" if self._has_news and not self._is_over else ""
            self._has_news = False
            if self._last_words:
                said = f"event: end\ndata: {self._last_words}\n\n"
            return said.encode(), self._is_over
