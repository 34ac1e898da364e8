"""What RADIUS counted, as pictures: accepted and rejected by method and by context, devices by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.console.drawing import Bar, Picture
from app.core.radius import UNKNOWN_METHOD

_WIDTH, _HEIGHT = 1000, 12
_LEAST = 8.0
"""The width of what is there at all, however little."""


@dataclass(frozen=True, slots=True)
class MethodLine:
    """One method of authentication: its name as RADIUS writes it, what became of it, and the picture."""

    title: str
    accepted: int
    rejected: int
    picture: Picture


def method_lines(methods: Sequence[Mapping[str, Any]]) -> list[MethodLine]:
    """The methods of a context, the busiest first; the longest bar is the busiest one's."""
    ordered = sorted(methods, key=lambda one: -(one["accepted"] + one["rejected"]))
    most = max((one["accepted"] + one["rejected"] for one in ordered), default=0)
    return [
        MethodLine(title, one["accepted"], one["rejected"], outcome_bar(title, one["accepted"], one["rejected"], most))
        for title, one in ((_title(one["method"]), one) for one in ordered)
    ]


def outcome_bar(name: str, accepted: int, rejected: int, most: int = 0) -> Picture:
    """Accepted, and rejected behind it. ``most`` is what fills the whole width; 0 = these two do."""
    words = f"{name}: {accepted} accepted, {rejected} rejected"
    return _bar(words, (("good", accepted), ("bad", rejected)), most or accepted + rejected)


def device_bar(group: str, devices: int, most: int) -> Picture:
    """The devices of a group, beside a group that has the most."""
    return _bar(f"{group}: {devices} {'device' if devices == 1 else 'devices'}", (("base", devices),), most)


def _bar(words: str, parts: Sequence[tuple[str, int]], most: int) -> Picture:
    bars: list[Bar] = []
    x = 0.0
    for tone, number in parts:
        if number:
            width = max(_LEAST, round(_WIDTH * number / most, 1))
            bars.append(Bar(tone, x, 0, width, _HEIGHT, 0))
            x = round(x + width, 1)
    return Picture(max(_WIDTH, x), _HEIGHT, tuple(bars), words)


def _title(method: str) -> str:
    return "Method not told" if method == UNKNOWN_METHOD else method.upper()
