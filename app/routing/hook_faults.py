"""What hooks of plugins did wrong in this process: counted, and logged without filling the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from app.core.clock import MINUTE, Clock, Micros

log = logging.getLogger(__name__)

LOG_AGAIN: Micros = MINUTE
"""The same fault is logged once in this time."""
MAX_KINDS = 200
"""Different faults remembered before the memory starts over."""


class FaultKind(NamedTuple):
    """A plugin, its hook, and what went wrong."""

    plugin: str
    hook: str
    error: str


@dataclass(slots=True)
class _Noted:
    times: int = 0
    logged_at: Micros | None = None


class HookFaults:
    """Faults of one process. Used by any thread.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._noted: dict[FaultKind, _Noted] = {}

    def note(self, plugin: str, hook: str, error: str, times: int = 1) -> None:
        """A fault happened, or several of the kind; ``error`` holds nothing that a plugin wrote itself."""
        kind = FaultKind(plugin, hook, error)
        now = self._clock()
        with self._mutex:
            if kind not in self._noted and len(self._noted) >= MAX_KINDS:
                self._noted.clear()
            noted = self._noted.setdefault(kind, _Noted())
            noted.times += times
            is_news = noted.logged_at is None or now - noted.logged_at >= LOG_AGAIN
            if is_news:
                noted.logged_at = now
        if is_news:
            log.warning("plugin hook failed", extra={**kind._asdict(), "times": noted.times})

    def counted(self) -> Collection[tuple[FaultKind, int]]:
        """What happened, and how often."""
        with self._mutex:
            return sorted((kind, noted.times) for kind, noted in self._noted.items())
