"""Judging an event by the change windows of its organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import MINUTE, Micros
from app.core.windows.window import ChangeWindow, WindowKind

FUTURE_TOLERANCE: Micros = 5 * MINUTE
"""A source's clock may be this far ahead; beyond it the time of receipt counts."""


@dataclass(frozen=True, slots=True)
class WindowDecision:
    """What the windows say of one event. Names are those of the windows that were open and covered it.

    ``outside`` is None for what is no change: no window speaks of it.
    """

    outside: bool | None
    allowed_by: tuple[str, ...] = ()
    frozen_by: tuple[str, ...] = ()

    @property
    def named(self) -> list[dict[str, str]]:
        """The windows that spoke, as the event tells them: freezes first, because they win."""
        if self is NO_WINDOW:
            return []
        found = [(name, WindowKind.FREEZE) for name in self.frozen_by]
        found += [(name, WindowKind.ALLOW) for name in self.allowed_by]
        return [{"name": name, "kind": kind.value} for name, kind in found]


NO_WINDOW = WindowDecision(outside=True)
"""Without any window every change is an unexpected one: it is better to hear too much."""
NOT_JUDGED = WindowDecision(outside=None)
"""What windows say of a RADIUS record: nothing, because nobody changed anything."""


def judged_at(occurred_at: Micros, received_at: Micros) -> Micros:
    """The moment that counts: when it happened, unless the source claims the future."""
    return received_at if occurred_at > received_at + FUTURE_TOLERANCE else occurred_at


def decide(
    windows: Sequence[ChangeWindow], at: Micros, *, context_id: str | None, tags: tuple[str, ...], actor: str | None
) -> WindowDecision:
    """Inside means: some allowing window is open and no freeze is.

    Args:
        windows: those of the event's organization.
        at: the moment that counts, from :func:`judged_at`.
        context_id: the event's context, None for the organization itself.
        tags: the event's tags.
        actor: e-mail address of who made the change.
    """
    found = [window for window in windows if window.covers(context_id, tags, actor) and window.is_open(at)]
    if not found:
        return NO_WINDOW
    allowed = tuple(window.name for window in found if window.kind is WindowKind.ALLOW)
    frozen = tuple(window.name for window in found if window.kind is WindowKind.FREEZE)
    return WindowDecision(outside=bool(frozen) or not allowed, allowed_by=allowed, frozen_by=frozen)
