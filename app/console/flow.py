"""The picture of what flows: where events come from on the left, webhooks on the right, the width says how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 960
_ROW, _TOP, _BOX = 44, 8, 34
_LEFT, _RIGHT = 300, 660
_THINNEST, _THICKEST = 1.5, 14.0
MOST_ROWS = 8
"""Boxes on a side; the last one stands for all others."""


@dataclass(frozen=True, slots=True)
class Side:
    """One place or webhook: its name, its events of the last day and of the last minute, and where a click leads."""

    name: str
    number: int
    per_minute: int
    link: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn box; ``x`` and ``y`` are its corner, ``middle`` the height at which its line meets it."""

    side: Side
    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + self.height // 2


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line as the ``d`` of an SVG path, with its width."""

    path: str
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole picture, and the sentence that says the same."""

    width: int
    height: int
    left: tuple[Box, ...]
    right: tuple[Box, ...]
    lines: tuple[Line, ...]
    text: str


def flow_picture(sources: Sequence[Side], targets: Sequence[Side]) -> Flow:
    """The picture of a day."""
    left, right = _shortened(sources, "more contexts"), _shortened(targets, "more webhooks")
    height = 2 * _TOP + _ROW * max(len(left), len(right), 1)
    heart = height // 2
    left_boxes = _boxes(left, 0, _LEFT, height)
    right_boxes = _boxes(right, _RIGHT, WIDTH - _RIGHT, height)
    most = max((side.number for side in (*left, *right)), default=0) or 1
    lines = [_line(_LEFT, box.middle, WIDTH // 2, heart, box.side, most) for box in left_boxes]
    lines += [_line(WIDTH // 2, heart, _RIGHT, box.middle, box.side, most) for box in right_boxes]
    told, got = _told(left), _told(right)
    text = f"Events of the last 24 hours. From {told or 'nowhere'}. To {got or 'nobody'}."
    return Flow(WIDTH, height, left_boxes, right_boxes, tuple(lines), text)


def _told(sides: Sequence[Side]) -> str:
    return "; ".join(f"{side.name}: {side.number}, {side.per_minute} in the last minute" for side in sides)


def _shortened(sides: Sequence[Side], word: str) -> list[Side]:
    ordered = sorted(sides, key=lambda side: -side.number)
    if len(ordered) <= MOST_ROWS:
        return ordered
    rest = ordered[MOST_ROWS - 1 :]
    return [*ordered[: MOST_ROWS - 1], _rest(f"{len(rest)} {word}", rest)]


def _rest(name: str, sides: Sequence[Side]) -> Side:
    return Side(name, sum(side.number for side in sides), sum(side.per_minute for side in sides), "")


def _boxes(sides: Sequence[Side], x: int, width: int, height: int) -> tuple[Box, ...]:
    first = (height - _ROW * len(sides)) // 2
    return tuple(
        Box(side, x, first + number * _ROW + (_ROW - _BOX) // 2, width, _BOX) for number, side in enumerate(sides)
    )


def _line(from_x: int, from_y: int, to_x: int, to_y: int, side: Side, most: int) -> Line:
    half = (from_x + to_x) // 2
    path = f"M{from_x} {from_y}C{half} {from_y} {half} {to_y} {to_x} {to_y}"
    width = _THINNEST + (_THICKEST - _THINNEST) * side.number / most if side.number else _THINNEST
    return Line(path, round(width, 1), side.tone if side.number else "idle")
