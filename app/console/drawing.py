"""Pictures from numbers: rectangles with whole coordinates, and the same numbers in words and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.delivery.last_day import HourFigures, LastDay

_STEP, _GAP, _HEIGHT = 8, 2, 28
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; ``tone`` is the class that colours it."""

    tone: str
    x: float
    y: float
    width: float
    height: float
    round: float = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """Rectangles, the sentence that says the same, and the table. ``most`` is what the highest bar stands for."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    most: int = 0


def day_bars(day: LastDay, name: str) -> Picture:
    """24 bars, an hour each: delivered below, on its way and failed on top."""
    largest = max((hour.total for hour in day.hours), default=0)
    drawn: list[Bar] = []
    for place, hour in enumerate(day.hours):
        drawn += _hour(hour, place * _STEP, largest)
    text = f"{name}, last 24 hours: {day.delivered} delivered, {day.failed} failed, {day.pending} on their way"
    rows = tuple(
        (_ago(len(day.hours) - place), str(hour.delivered), str(hour.failed), str(hour.pending))
        for place, hour in enumerate(day.hours)
    )
    columns = ("Hour", "Delivered", "Failed", "On their way")
    return Picture(len(day.hours) * _STEP - _GAP, _HEIGHT, tuple(drawn), text, columns, rows, largest)


def _hour(hour: HourFigures, x: int, largest: int) -> list[Bar]:
    if not hour.total:
        return [Bar("base", x, _HEIGHT - 1, _STEP - _GAP, 1, 0)]
    bars = []
    bottom = float(_HEIGHT)
    for tone, height in _heights(hour, largest):
        bottom -= height
        bars.append(Bar(tone, x, bottom, _STEP - _GAP, height, 0))
    return bars


def _heights(hour: HourFigures, largest: int) -> list[tuple[str, int]]:
    """Each part high enough to be seen; the highest gives what the others take beyond the picture."""
    numbers = {"good": hour.delivered, "warn": hour.pending, "bad": hour.failed}
    heights = {tone: max(_LEAST, round(number / largest * _HEIGHT)) for tone, number in numbers.items() if number}
    heights[max(heights, key=heights.__getitem__)] -= max(0, sum(heights.values()) - _HEIGHT)
    return list(heights.items())


def _ago(hours: int) -> str:
    return "the last hour" if hours == 1 else f"{hours} to {hours - 1} hours ago"


PHASES = (("dns", "DNS"), ("connect", "Connect"), ("tls", "TLS"), ("wait", "Wait for first byte"), ("read", "Read"))
"""The phases of a request in their order, with the class that colours each."""


def timing_picture(spans: Sequence[tuple[str, str, int]], shown: Sequence[str]) -> Picture:
    """One line of phases after each other.

    Args:
        spans: class, name and microseconds of each phase.
        shown: the microseconds of each in words.
    """
    total = sum(span for _, _, span in spans) or 1
    bars: list[Bar] = []
    x = 0.0
    for tone, _, span in spans:
        width = round(1000 * span / total, 1)
        if width:
            bars.append(Bar(tone, x, 0, width, 12, 0))
        x = round(x + width, 1)
    said = ", ".join(f"{name} {words}" for (_, name, _), words in zip(spans, shown, strict=True))
    rows = tuple((name, words) for (_, name, _), words in zip(spans, shown, strict=True))
    return Picture(1000, 12, tuple(bars), f"Timings: {said}", ("Phase", "Time"), rows)
