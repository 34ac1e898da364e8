"""The picture of a week: when change windows are open, and which changes fell outside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.console.drawing import Bar
from app.core.clock import SECOND, Micros

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_MINUTES = 1440
HEIGHT = 20
_MARK_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a window is open."""

    name: str
    kind: str
    starts_at: Micros
    ends_at: Micros


LocalSpan = tuple[Span, datetime, datetime]
"""A span with its beginning and end in local time."""


@dataclass(frozen=True, slots=True)
class Day:
    """One line of the picture: its rectangles, a minute wide each unit, and the same in words."""

    title: str
    bars: tuple[Bar, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of local time."""

    days: tuple[Day, ...]
    starts_at: Micros
    ends_at: Micros
    outside: int
    is_more: bool
    """Whether there were more outside than are marked."""


def week_around(now: Micros, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Monday at midnight before a moment and the one after it, in local time."""
    today = datetime.fromtimestamp(now / SECOND, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(days=7)


def week_picture(
    bounds: tuple[datetime, datetime],
    spans: Sequence[Span],
    outside: Sequence[dict[str, Any]],
    zone: ZoneInfo,
    *,
    is_more: bool = False,
) -> Week:
    """The picture.

    Args:
        bounds: the week, as :func:`week_around` answers it.
        spans: the openings, of any time.
        outside: canonical events that happened outside every window.
        zone: whose clock the picture shows.
        is_more: there are more of them than were handed over.
    """
    starts, ends = bounds
    marks = [datetime.fromisoformat(event["occurred_at"]).astimezone(zone) for event in outside]
    shown = [mark for mark in marks if starts <= mark < ends]
    local = _local(spans, zone)
    days = tuple(_day(starts + timedelta(days=number), local, shown) for number in range(7))
    return Week(days, micros(starts), micros(ends), len(shown), is_more)


def micros(moment: datetime) -> Micros:
    """A whole second as microseconds."""
    return int(moment.timestamp()) * SECOND


def _local(spans: Sequence[Span], zone: ZoneInfo) -> list[LocalSpan]:
    """The spans with their ends by the clock of a zone. Freezes come last, to be drawn over what is open."""
    return [
        (
            span,
            datetime.fromtimestamp(span.starts_at / SECOND, zone),
            datetime.fromtimestamp(span.ends_at / SECOND, zone),
        )
        for span in sorted(spans, key=lambda one: (one.kind == "freeze", one.starts_at))
    ]


def _day(midnight: datetime, spans: Sequence[LocalSpan], marks: Sequence[datetime]) -> Day:
    bars: list[Bar] = []
    words: list[str] = []
    for span, begin, end in _on(midnight, spans):
        tone = "bad" if span.kind == "freeze" else "good"
        bars.append(Bar(tone, begin, 0, max(end - begin, 1), HEIGHT, 0))
        kind = "frozen" if span.kind == "freeze" else "open"
        words.append(f"{kind} {_clock(begin)} to {_clock(end)} ({span.name})")
    own = [mark for mark in marks if mark.date() == midnight.date()]
    bars += [Bar("mark", max(0, _minute(mark) - _MARK_WIDTH // 2), 0, _MARK_WIDTH, HEIGHT, 2) for mark in own]
    if own:
        words.append(f"{len(own)} sensitive {'change' if len(own) == 1 else 'changes'} outside")
    title = DAYS[midnight.weekday()]
    return Day(title, tuple(bars), f"{title}: {'; '.join(words) or 'no window'}")


def _on(midnight: datetime, spans: Sequence[LocalSpan]) -> Iterator[tuple[Span, int, int]]:
    """The part of each span that lies on a day, in minutes of its clock."""
    following = midnight + timedelta(days=1)
    for span, begin, end in spans:
        if begin < following and end > midnight:
            first = 0 if begin <= midnight else _minute(begin)
            last = DAY_MINUTES if end >= following else _minute(end)
            yield span, first, last


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
