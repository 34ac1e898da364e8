"""What one evaluation may cost: a number of steps, so that a hostile event cannot make a filter slow."""

from __future__ import annotations

MAX_STEPS = 2_000
"""Comparisons of one evaluation; well under a millisecond."""
TEXT_STEP = 64
"""Characters of a text that are looked at for one step."""


class FilterUndecidedError(Exception):
    """A filter cannot tell whether an event passes. Whoever asks then lets it pass: it is better to hear too much."""


class FilterTooCostlyError(FilterUndecidedError):
    """An event would need more comparisons than one evaluation may make."""


class FilterFailedError(FilterUndecidedError):
    """The plugin that judges by a dialect failed or is missing; it has been named already."""


class Budget:
    """Counts down while one event is matched."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Take steps away.

        Raises:
            FilterTooCostlyError: none are left.
        """
        self.left -= steps
        if self.left < 0:
            raise FilterTooCostlyError

    def read(self, text: str) -> None:
        """Pay for looking through a text."""
        if len(text) > TEXT_STEP:
            self.spend(len(text) // TEXT_STEP)
