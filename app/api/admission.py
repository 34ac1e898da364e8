"""How many ingest requests may be inside at once, and how many bytes of bodies they may hold."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from app.core.errors import OverloadedError

MAX_REQUESTS = 1_024
"""Requests that are read, prepared or wait for their commit."""
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of their bodies. One request is admitted whatever its size."""


class Admission:
    """Counts who is inside. Used by any thread.

    Args:
        max_requests: most requests inside.
        max_bytes: most bytes inside, unless one request alone has more.
    """

    def __init__(self, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._requests = 0
        self._bytes = 0

    def place(self) -> Place:
        """A place for one request; a context manager.

        Raises:
            OverloadedError: too many are inside already.
        """
        with self._mutex:
            if self._requests >= self._max_requests:
                raise OverloadedError("too many events are waiting to be stored; send this again later")
            self._requests += 1
        return Place(self)

    def hold(self, size: int) -> None:
        """Count bytes.

        Raises:
            OverloadedError: too many are held already.
        """
        with self._mutex:
            if self._bytes + size > self._max_bytes and self._requests > 1:
                raise OverloadedError("too many bytes of events are waiting to be stored; send this again later")
            self._bytes += size

    def leave(self, size: int) -> None:
        """A request is answered and its bytes are gone."""
        with self._mutex:
            self._requests -= 1
            self._bytes -= size


class Place:
    """One request inside, and the bytes it holds."""

    __slots__ = ("_admission", "_size")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    def hold(self, size: int) -> None:
        """Hold this many bytes more.

        Raises:
            OverloadedError: others hold too many.
        """
        self._admission.hold(size)
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.leave(self._size)
