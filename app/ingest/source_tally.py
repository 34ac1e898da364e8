"""Counting what comes of the requests of sources: in memory, and in the database a second later.

A refused request costs no commit, so nobody who lacks the secret can make the database work.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum

from app.core.clock import Clock, Micros
from app.core.errors import StoreUnavailableError
from app.store.engine import Store
from app.store.sources import Counted, raise_counts

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Between two writes. What a killed process still held is missing from the counts; no event is."""


class SourceOutcome(StrEnum):
    """What came of a request, or of an event in it."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    HANDSHAKE = "handshake"
    IGNORED = "ignored"
    """Verified, and without an event of interest."""
    UNVERIFIED = "unverified"
    SWITCHED_OFF = "switched_off"
    UNREADABLE = "unreadable"
    INVALID_EVENT = "invalid_event"
    PLUGIN_MISSING = "plugin_missing"
    PLUGIN_FAILED = "plugin_failed"
    NOT_STORED = "not_stored"
    """The database could not take it; the sender was asked to come again."""


TAKEN = (SourceOutcome.ACCEPTED, SourceOutcome.DUPLICATE, SourceOutcome.HANDSHAKE, SourceOutcome.IGNORED)
"""What a well-behaved sender sees; everything else is a refusal."""


class SourceTally:
    """Counts of one process. Used by any thread; its own thread starts with the first count.

    Args:
        store: where they go.
        clock: the time.
        pause_s: least time between two writes.
    """

    def __init__(self, store: Store, clock: Clock, pause_s: float = PAUSE_S) -> None:
        self._store = store
        self._clock = clock
        self._pause_s = pause_s
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, str], tuple[int, Micros]] = {}
        self._thread: threading.Thread | None = None

    def count(self, source_id: str, outcome: SourceOutcome, number: int = 1) -> None:
        """Note that something came of a request."""
        if not number:
            return
        now = self._clock()
        key = (source_id, outcome.value)
        with self._changed:
            self._waiting[key] = (self._waiting.get(key, (0, 0))[0] + number, now)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="source-tally", daemon=True)
                self._thread.start()

    def write(self) -> None:
        """Write what was counted since the last time; what cannot be written now waits for the next."""
        with self._changed:
            taken, self._waiting = self._waiting, {}
        if not taken:
            return
        try:
            with self._store.write() as connection:
                raise_counts(connection, [Counted(*key, number, at) for key, (number, at) in taken.items()])
        except StoreUnavailableError:
            log.warning("counts of sources could not be written; they are kept for the next time")
            self._put_back(taken)

    def _put_back(self, taken: dict[tuple[str, str], tuple[int, Micros]]) -> None:
        with self._changed:
            for key, (number, at) in taken.items():
                newer, newer_at = self._waiting.get(key, (0, at))
                self._waiting[key] = (number + newer, newer_at)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
            time.sleep(self._pause_s)
            try:
                self.write()
            except Exception:
                # This thread counts for as long as the process lives, whatever one write ran into.
                log.exception("counts of sources are lost")
