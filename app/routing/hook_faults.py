"""What hooks of plugins did wrong: counted where every process shows it, and logged without filling the log."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from app.core.clock import MINUTE, Clock, Micros
from app.core.errors import StoreUnavailableError
from app.store.engine import Store
from app.store.later import WritesLater
from app.store.plugin_faults import FaultKind, add_faults

log = logging.getLogger(__name__)

LOG_AGAIN: Micros = MINUTE
"""The same fault is logged once in this time."""
MAX_KINDS = 200
"""Different faults remembered before the memory starts over."""


@dataclass(slots=True)
class _Noted:
    times: int = 0
    logged_at: Micros | None = None


class HookFaults:
    """Faults of one process. Used by any thread.

    Args:
        clock: the time.
        store: where they are counted for everybody to see; None leaves it at the log.
    """

    def __init__(self, clock: Clock, store: Store | None = None) -> None:
        self._clock = clock
        self._store = store
        self._mutex = threading.Lock()
        self._noted: dict[FaultKind, _Noted] = {}
        self._unwritten: Counter[FaultKind] = Counter()
        self._writer = WritesLater("faults of plugins", self.write)

    def note(self, plugin: str, hook: str, error: str, times: int = 1) -> None:
        """A fault happened, or several of the kind; ``error`` holds nothing that a plugin wrote itself."""
        kind = FaultKind(plugin, hook, error)
        now = self._clock()
        with self._mutex:
            if kind not in self._noted and len(self._noted) >= MAX_KINDS:
                self._noted.clear()
                self._unwritten.clear()
            noted = self._noted.setdefault(kind, _Noted())
            noted.times += times
            self._unwritten[kind] += times
            is_news = noted.logged_at is None or now - noted.logged_at >= LOG_AGAIN
            if is_news:
                noted.logged_at = now
        if self._store is not None:
            self._writer.wake()
        if is_news:
            told = {"plugin": plugin, "hook": hook, "error": error, "times": noted.times}
            log.warning("plugin hook failed", extra=told)

    def counted(self) -> Collection[tuple[FaultKind, int]]:
        """What happened in this process, and how often."""
        with self._mutex:
            return sorted((kind, noted.times) for kind, noted in self._noted.items())

    def write(self) -> None:
        """Count in the database what was noted since the last time; what cannot be written waits for the next fault."""
        if self._store is None:
            return
        with self._mutex:
            taken, self._unwritten = self._unwritten, Counter()
        try:
            with self._store.write() as connection:
                add_faults(connection, taken, self._clock())
        except StoreUnavailableError:
            with self._mutex:
                self._unwritten += taken
