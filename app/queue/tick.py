"""The tick: once a second, ring for every partition that has due rows.

It is what makes the doorbell optional. Whatever Redis forgot, a killed worker took with it or a full breaker swallowed
is rung again here, because the question is put to the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from threading import Event
from typing import Protocol

from app.core.clock import MINUTE, Clock, Micros

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
TIDY_EVERY: Micros = 15 * MINUTE
_LONGEST_WAIT_S = 8.0


def _nothing(_now: Micros) -> bool:
    """Tidy nothing."""
    return False


def _nobody(_now: Micros) -> Collection[int]:
    """Move nothing forward."""
    return ()


class ForcedDoorbell(Protocol):
    """A doorbell that can be told to look twice."""

    def ring(self, partitions: Collection[int], *, force: bool = False) -> None:
        """See ``app.queue.doorbell.RedisDoorbell.ring``."""
        ...


class Tick:
    """Rings what is due, as long as it holds the lease; several may run, one of them works.

    Args:
        take_lease: answers whether this process is the one that ticks now.
        due_partitions: the partitions with rows due at a moment.
        doorbell: rung with force.
        replay: moves redeliveries and backfills of many forward; answers the partitions that got work.
        tidy: called about every quarter of an hour, by the one that works, and then once a round as long as it answers
            that there is more to do.
        clock: the wall clock.
    """

    def __init__(
        self,
        *,
        take_lease: Callable[[Micros], bool],
        due_partitions: Callable[[Micros], Collection[int]],
        doorbell: ForcedDoorbell,
        clock: Clock,
        replay: Callable[[Micros], Collection[int]] = _nobody,
        tidy: Callable[[Micros], bool] = _nothing,
    ) -> None:
        self._take_lease = take_lease
        self._due_partitions = due_partitions
        self._doorbell = doorbell
        self._clock = clock
        self._replay = replay
        self._tidy = tidy
        self._tidied_at: Micros = 0

    def once(self) -> Collection[int]:
        """One round; answers the partitions it rang for."""
        now = self._clock()
        if not self._take_lease(now):
            return ()
        due = self._due_partitions(now)
        self._doorbell.ring(due, force=True)
        # Only now, so that nothing that ails a replay keeps anybody from being rung.
        replayed = self._replay(now)
        if replayed:
            self._doorbell.ring(replayed, force=True)
        if now - self._tidied_at >= TIDY_EVERY and not self._tidy(now):
            self._tidied_at = now
        return sorted({*due, *replayed})

    def run(self, stop: Event, interval_s: float = INTERVAL_S) -> None:
        """Tick until told to stop. A round that fails is logged, and the next one comes a little later."""
        wait_s = interval_s
        while not stop.is_set():
            try:
                self.once()
                wait_s = interval_s
            except Exception as error:  # noqa: BLE001 - the tick outlives whatever ails the database
                wait_s = min(2 * wait_s, max(_LONGEST_WAIT_S, interval_s))
                log.warning("tick failed", extra={"error": type(error).__name__, "again_in_s": wait_s})
            stop.wait(wait_s)
