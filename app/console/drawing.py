"""Pictures from numbers: rectangles with whole coordinates, and the same numbers in words and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.delivery.results import Figures, Period, Results, Waits
from app.store.tables_traffic import WITHIN_MS

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
    """Rectangles, the sentence that says the same, and the table; ``scale`` tells the height, ``axis`` the width."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    scale: str = ""
    axis: tuple[str, ...] = ()


def result_bars(results: Results, name: str) -> Picture:
    """A bar for each part of the period: delivered below, tried again and failed on top."""
    largest = max((bar.total for bar in results.bars), default=0)
    drawn: list[Bar] = []
    for place, bar in enumerate(results.bars):
        drawn += _result_bar(bar, place * _STEP, largest)
    whole, hours = results.whole, results.period.hours
    text = f"{name}, {PERIODS[results.period]}: {_told(whole)}"
    rows = tuple(
        (_ago((len(results.bars) - place) * hours, hours), str(bar.delivered), str(bar.retried), str(bar.failed))
        for place, bar in enumerate(results.bars)
    )
    columns = ("When", "Delivered", "Failed, tried again", "Failed")
    width = len(results.bars) * _STEP - _GAP
    span = "an hour" if hours == 1 else f"in {hours} hours"
    scale = f"{largest:,} {span} at most"
    return Picture(width, _HEIGHT, tuple(drawn), text, columns, rows, scale, _AXES[results.period])


PERIODS = {Period.DAY: "last 24 hours", Period.WEEK: "last 7 days"}
"""What each period is called."""
_AXES = {
    Period.DAY: ("24 h ago", "18 h", "12 h", "6 h", "now"),
    Period.WEEK: ("7 d ago", "6 d", "5 d", "4 d", "3 d", "2 d", "1 d", "now"),
}
_BARS_A_WORD = 3
"""Of the limits of waits, every third is named below its bar."""


def _told(figures: Figures) -> str:
    return f"{figures.delivered} delivered, {figures.retried} failed and tried again, {figures.failed} failed"


def _result_bar(figures: Figures, x: int, largest: int) -> list[Bar]:
    if not figures.total:
        return [Bar("base", x, _HEIGHT - 1, _STEP - _GAP, 1, 0)]
    bars = []
    bottom = float(_HEIGHT)
    for tone, height in _heights(figures, largest):
        bottom -= height
        bars.append(Bar(tone, x, bottom, _STEP - _GAP, height, 0))
    return bars


def _heights(figures: Figures, largest: int) -> list[tuple[str, int]]:
    """Each part high enough to be seen; the highest gives what the others take beyond the picture."""
    numbers = {"good": figures.delivered, "warn": figures.retried, "bad": figures.failed}
    heights = {tone: max(_LEAST, round(number / largest * _HEIGHT)) for tone, number in numbers.items() if number}
    heights[max(heights, key=heights.__getitem__)] -= max(0, sum(heights.values()) - _HEIGHT)
    return list(heights.items())


def _ago(begin: int, hours: int) -> str:
    if begin == hours:
        return "this hour" if hours == 1 else f"the last {hours} hours"
    return f"{begin - 1} hours ago" if hours == 1 else f"{begin} to {begin - hours} hours ago"


def wait_bars(waits: Waits, name: str) -> Picture:
    """How long requests took: a bar for each limit, from quick to slow."""
    largest = max(waits.numbers, default=0) or 1
    limits = [*(f"up to {shown_wait(limit)}" for limit in WITHIN_MS), f"over {shown_wait(WITHIN_MS[-1])}"]
    bars = []
    for place, number in enumerate(waits.numbers):
        height = max(_LEAST, round(number / largest * _HEIGHT)) if number else 1
        bars.append(Bar("note" if number else "base", place * _STEP, _HEIGHT - height, _STEP - _GAP, height, 0))
    spread = "; ".join(f"{limit}: {number}" for limit, number in zip(limits, waits.numbers, strict=True) if number)
    rows = tuple((limit, str(number)) for limit, number in zip(limits, waits.numbers, strict=True))
    text = f"{name}, how long requests took: {spread or 'none yet'}"
    axis = (*(f"≤ {shown_wait(limit)}" for limit in WITHIN_MS[::_BARS_A_WORD]), "longer")
    width, scale = len(limits) * _STEP - _GAP, f"{largest:,} requests at most"
    return Picture(width, _HEIGHT, tuple(bars), text, ("Time", "Requests"), rows, scale, axis)


def shown_wait(milliseconds: int | None) -> str:
    """A limit of :data:`WITHIN_MS` in words; None = beyond them all."""
    if milliseconds is None:
        return f"more than {shown_wait(WITHIN_MS[-1])}"
    return f"{milliseconds} ms" if milliseconds < _SECOND else f"{milliseconds / _SECOND:g} s"


_SECOND = 1_000


PHASES = (("dns", "DNS"), ("connect", "Connect"), ("tls", "TLS"), ("wait", "Wait for first byte"), ("read", "Read"))
"""The phases of a request in their order, with the class that colours each."""


def timing_picture(spans: Sequence[tuple[str, str, int]], shown: Sequence[str]) -> Picture:
    """One line of phases after each other.

    Args:
        spans: class, name and microseconds of each phase.
        shown: the microseconds of each in words.
    """
    said = ", ".join(f"{name} {words}" for (_, name, _), words in zip(spans, shown, strict=True))
    rows = tuple((name, words) for (_, name, _), words in zip(spans, shown, strict=True))
    return Picture(1000, 12, line_of(spans), f"Timings: {said}", ("Phase", "Time"), rows)


def line_of(parts: Sequence[tuple[str, str, int]]) -> tuple[Bar, ...]:
    """Parts of a whole after each other, 1,000 wide and 12 high.

    Args:
        parts: class, name and size of each.
    """
    total = sum(size for _, _, size in parts) or 1
    bars: list[Bar] = []
    x = 0.0
    for tone, _, size in parts:
        width = round(1000 * size / total, 1)
        if width:
            bars.append(Bar(tone, x, 0, width, 12, 0))
        x = round(x + width, 1)
    return tuple(bars)
