"""One change window or freeze: whom it covers, and when it is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.clock import MINUTE, Micros
from app.core.windows.interval import TimeInterval

MEMO_LIMIT = 4_096
"""Minutes remembered per window before the memo starts over."""


class WindowKind(StrEnum):
    """``allow`` expects changes, ``freeze`` forbids them and wins."""

    ALLOW = "allow"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """A window recurs by intervals, or happens once from ``starts_at`` to ``ends_at``; never both.

    Args:
        name: what people call it; the event keeps this name.
        kind: allow or freeze.
        intervals: when it is open, any of them; empty for a one-off.
        starts_at: first moment of a one-off.
        ends_at: first moment after a one-off.
        grace: for how long after its end it still counts as open.
        contexts: the contexts it covers; None = every one and the organization itself.
        tags: it covers events with any of these tags; None = every event.
        actors: e-mail addresses in lower case whose changes it covers; None = everybody's.
    """

    name: str
    kind: WindowKind
    intervals: tuple[TimeInterval, ...] = ()
    starts_at: Micros | None = None
    ends_at: Micros | None = None
    grace: Micros = 0
    contexts: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    actors: frozenset[str] | None = None
    _memo: dict[int, bool] = field(default_factory=dict, repr=False, compare=False)

    def covers(self, context_id: str | None, tags: tuple[str, ...], actor: str | None) -> bool:
        """Whether it speaks about such an event at all."""
        return (
            (self.contexts is None or context_id in self.contexts)
            and (self.tags is None or not self.tags.isdisjoint(tags))
            and (self.actors is None or (actor is not None and actor.lower() in self.actors))
        )

    def is_open(self, moment: Micros) -> bool:
        """Whether it is open at a moment, its grace included."""
        if self.starts_at is not None and self.ends_at is not None:
            return self.starts_at <= moment < self.ends_at + self.grace
        minute = moment // MINUTE
        known = self._memo.get(minute)
        if known is None:
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
            known = self._memo[minute] = self._recurs_at(minute)
        return known

    def _recurs_at(self, minute: int) -> bool:
        """Whether any interval was open within the grace before the end of a minute."""
        since, until = minute * MINUTE - self.grace, (minute + 1) * MINUTE
        return any(True for interval in self.intervals for _ in interval.stretches(since, until))
