"""How a page gives the server a stream to send: the server sends it on its event loop, and no thread waits with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

STREAM_TAKER = "relaypoint.stream_taker"
"""Key of the WSGI environment (PEP 3333 leaves room for a server's own): a function that takes the stream of an answer.

Without it, the server can only send on threads, and a page must do without a stream.
"""


class Stream(Protocol):
    """The body of an answer that comes bit by bit."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The pieces, as they come."""
        ...

    def close(self) -> None:
        """Whoever listened is gone, or everything was said."""
        ...
