"""Ringing beside the requests: a sender's answer never waits for Redis, and rings that come together become one."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from app.core.doorbell import Doorbell

PAUSE_S = 0.002
"""Between two rings: a lone event is rung for at once, a stream of them 500 times a second."""


class RingingThread:
    """A ``Doorbell`` that rings another one on a thread of its own.

    The thread starts with the first ring. A ring that is still to come when the process ends is lost; the tick makes up
    for it.

    Args:
        doorbell: rung with everything that came since its last ring.
        pause_s: least time between two rings.
    """

    def __init__(self, doorbell: Doorbell, pause_s: float = PAUSE_S) -> None:
        self._doorbell = doorbell
        self._pause_s = pause_s
        self._changed = threading.Condition()
        self._wanted: set[int] = set()
        self._thread: threading.Thread | None = None

    def ring(self, partitions: Collection[int]) -> None:
        """Leave word that these partitions have due rows."""
        if not partitions:
            return
        with self._changed:
            self._wanted.update(partitions)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ringing", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._wanted:
                    self._changed.wait()
                partitions, self._wanted = self._wanted, set()
            self._doorbell.ring(sorted(partitions))
            time.sleep(self._pause_s)
