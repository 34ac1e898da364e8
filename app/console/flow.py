"""The picture of what flows: where events come from on the left, webhooks on the right, the width says how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_TOP, _GAP = 8, 10
_THINNEST, _THICKEST = 1.5, 14.0
MOST_ROWS = 8
"""Boxes on a side; the last one stands for all others."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a picture is laid out, in units of its own drawing.

    Args:
        css_class: what the style sheet shows it by.
        width: of the whole picture.
        box: width of a box.
        row: height of a row, with the gap to the next.
        letters: of a name that fit into a box.
        heart: width of what is in the middle.
        word: what is written there.
        is_stacked: the number is below the name, not beside it.
    """

    css_class: str
    width: int
    box: int
    row: int
    letters: int
    heart: int
    word: str
    is_stacked: bool


WIDE = Shape("broad", 960, 300, 44, 30, 104, "Relaypoint", is_stacked=False)
NARROW = Shape("slim", 288, 112, 54, 13, 14, "", is_stacked=True)
"""For a telephone, where the wide one would be read with a magnifying glass."""


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
class Drawing:
    """The picture in one shape."""

    shape: Shape
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What is drawn, in each shape, and the sentence that says the same."""

    left: tuple[Side, ...]
    right: tuple[Side, ...]
    drawings: tuple[Drawing, ...]
    text: str


def flow_picture(sources: Sequence[Side], targets: Sequence[Side]) -> Flow:
    """The picture of a day."""
    left, right = _shortened(sources, "more contexts"), _shortened(targets, "more webhooks")
    told, got = _told(left), _told(right)
    text = f"Events of the last 24 hours. From {told or 'nowhere'}. To {got or 'nobody'}."
    drawings = tuple(_drawn(left, right, shape) for shape in (WIDE, NARROW))
    return Flow(tuple(left), tuple(right), drawings, text)


def _drawn(left: Sequence[Side], right: Sequence[Side], shape: Shape) -> Drawing:
    height = 2 * _TOP + shape.row * max(len(left), len(right), 1)
    heart, right_x = height // 2, shape.width - shape.box
    left_boxes, right_boxes = _boxes(left, 0, height, shape), _boxes(right, right_x, height, shape)
    most = max((side.number for side in (*left, *right)), default=0) or 1
    lines = [_line(shape.box, box.middle, shape.width // 2, heart, box.side, most) for box in left_boxes]
    lines += [_line(shape.width // 2, heart, right_x, box.middle, box.side, most) for box in right_boxes]
    return Drawing(shape, height, left_boxes + right_boxes, tuple(lines))


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


def _boxes(sides: Sequence[Side], x: int, height: int, shape: Shape) -> tuple[Box, ...]:
    first = (height - shape.row * len(sides)) // 2 + _GAP // 2
    return tuple(
        Box(side, x, first + number * shape.row, shape.box, shape.row - _GAP) for number, side in enumerate(sides)
    )


def _line(from_x: int, from_y: int, to_x: int, to_y: int, side: Side, most: int) -> Line:
    half = (from_x + to_x) // 2
    path = f"M{from_x} {from_y}C{half} {from_y} {half} {to_y} {to_x} {to_y}"
    width = _THINNEST + (_THICKEST - _THINNEST) * side.number / most if side.number else _THINNEST
    return Line(path, round(width, 1), side.tone if side.number else "idle")
