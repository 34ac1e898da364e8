"""Tidying: what deleted webhooks left behind, and retention, a little at a time beside the work of the tick."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from app.core.clock import DAY, Micros
from app.routing.webhooks import DELETED
from app.store import Store
from app.store.left_behind import skip_left_behind
from app.store.plugin_faults import forget_faults
from app.store.rate_buckets import remove_full_buckets
from app.store.retention import remove_batches, remove_contents, remove_events
from app.store.seen_messages import forget_messages
from app.store.traffic import fold_minutes

log = logging.getLogger(__name__)

ROUND_S = 0.25
"""Longest that one round of the tick is spent on retention, so that ringing is never late for it."""


class Tidying:
    """Removes what is over, for as long as one round may take, and goes on where it stopped with the next.

    Args:
        store: the database.
        body_days: how long exact bytes are kept.
        receipt_days: how long receipts are kept: events, what became of each, and batches.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        *,
        body_days: int,
        receipt_days: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._body_days = body_days
        self._receipt_days = receipt_days
        self._monotonic = monotonic
        self._steps: Iterator[None] | None = None

    def __call__(self, now: Micros) -> bool:
        """Do some of it; True when there is more to do."""
        end = self._monotonic() + ROUND_S
        steps = self._steps = self._steps or self._all_steps(now)
        for _ in steps:
            if self._monotonic() >= end:
                return True
        self._steps = None
        return False

    def _all_steps(self, now: Micros) -> Iterator[None]:
        """One transaction at a time."""
        while self._skip_left_behind(now):
            yield
        with self._store.write() as connection:
            forget_faults(connection, now)
        while self._fold_minutes(now):
            yield
        number = 0
        while removed := remove_contents(self._store, now, self._body_days):
            number += removed
            yield
        before = now - self._receipt_days * DAY
        after_seq = 0
        while (end := remove_events(self._store, before, after_seq)) is not None:
            after_seq = end
            yield
        while remove_batches(self._store, before):
            yield
        while self._forget(now):
            yield
        if number:
            log.info("bodies removed", extra={"contents": number})

    def _forget(self, now: Micros) -> int:
        with self._store.write() as connection:
            remove_full_buckets(connection, now)
            return forget_messages(connection, now)

    def _fold_minutes(self, now: Micros) -> int:
        with self._store.write() as connection:
            return fold_minutes(connection, now)

    def _skip_left_behind(self, now: Micros) -> int:
        with self._store.write() as connection:
            return skip_left_behind(connection, now, DELETED)
