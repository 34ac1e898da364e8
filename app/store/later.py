"""Writing beside the requests: what may reach the database a second later, and then all at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Between being asked and writing. What a killed process still held is lost."""


class WritesLater:
    """Runs a write on a thread of its own, some time after it was asked for, however often that was.

    The thread lives while there is something to write.

    Args:
        name: of the thread.
        write: takes what has gathered, and puts back what cannot be written now.
        pause_s: how long things gather.
    """

    def __init__(self, name: str, write: Callable[[], None], pause_s: float = PAUSE_S) -> None:
        self._name = name
        self._write = write
        self._pause_s = pause_s
        self._mutex = threading.Lock()
        self._wanted = False
        self._running = False

    def wake(self) -> None:
        """Something has gathered."""
        with self._mutex:
            self._wanted = True
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self._pause_s)
            with self._mutex:
                self._wanted = False
            try:
                self._write()
            except Exception:
                # Whatever one write ran into, the next one is tried.
                log.exception("%s could not be written", self._name)
            with self._mutex:
                if not self._wanted:
                    self._running = False
                    return
