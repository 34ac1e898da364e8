"""A text by its lines, as a page numbers and folds them."""

from __future__ import annotations

from dataclasses import dataclass

_OPEN = 200
"""Lines that show at once; more are folded away."""
_NUMBERED = 2_000
"""Lines with a number. Each is an element of the page, and a text may have a hundred thousand."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a text, each with its end. ``rest`` follows the numbered ones; ``folded`` counts the others."""

    open: list[str]
    more: list[str]
    rest: str
    folded: int


def in_lines(text: str) -> Lines:
    """A text by its lines. All parts together are the text again."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    rest = "".join(lines[_NUMBERED:])
    return Lines(lines[:_OPEN], lines[_OPEN:_NUMBERED], rest, max(0, len(lines) - _OPEN))
