"""Counting what comes of the requests of sources: in memory, and in the database a second later.

A refused request costs no commit, so nobody who lacks the secret can make the database work.
"""

from __future__ import annotations

import logging
import threading
from enum import StrEnum

from app.core.clock import Clock, Micros
from app.core.errors import StoreUnavailableError
from app.store.engine import Store
from app.store.later import WritesLater
from app.store.sources import Counted, raise_counts

log = logging.getLogger(__name__)


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
    RATE_LIMITED = "rate_limited"
    NOT_STORED = "not_stored"
    """The database could not take it; the sender was asked to come again."""


TAKEN = (SourceOutcome.ACCEPTED, SourceOutcome.DUPLICATE, SourceOutcome.HANDSHAKE, SourceOutcome.IGNORED)
"""What a well-behaved sender sees; everything else is a refusal."""


class SourceTally:
    """Counts of one process. Used by any thread.

    Args:
        store: where they go.
        clock: the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._mutex = threading.Lock()
        self._waiting: dict[tuple[str, str], tuple[int, Micros]] = {}
        self._writer = WritesLater("counts of sources", self.write)

    def count(self, source_id: str, outcome: SourceOutcome, number: int = 1) -> None:
        """Note that something came of a request."""
        if not number:
            return
        now = self._clock()
        key = (source_id, outcome.value)
        with self._mutex:
            self._waiting[key] = (self._waiting.get(key, (0, 0))[0] + number, now)
        self._writer.wake()

    def write(self) -> None:
        """Write what was counted since the last time; what cannot be written now waits for the next."""
        with self._mutex:
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
        with self._mutex:
            for key, (number, at) in taken.items():
                newer, newer_at = self._waiting.get(key, (0, at))
                self._waiting[key] = (number + newer, newer_at)
