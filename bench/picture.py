"""The figures as a picture: a bar per figure, its length what was reached of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from bench.figures import Figure, shown

_WIDTH = 960
_LABEL = 430
_TARGET_X = 640
"""Where a bar ends that reaches its target exactly."""
_LONGEST = 270
"""A bar that reaches more than this goes no further."""
_ROW = 24
_TOP = 64
_COLOURS = {True: "#2f855a", False: "#c05621"}


def as_svg(machine: Mapping[str, Any], figures: Sequence[Figure]) -> str:
    """An SVG document; figures without a target are not in it."""
    drawn = [one for one in figures if one.target is not None]
    height = _TOP + _ROW * len(drawn) + 40
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    style = 'role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1a202c"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {style}>',
        "<title>Relaypoint: what was reached of each target</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="16" font-weight="600">What was reached of each target</text>',
        '<text x="16" y="46" fill="#4a5568">A bar that crosses the line reaches its target.</text>',
        *(line for place, one in enumerate(drawn) for line in _bar(one, _TOP + place * _ROW)),
        f'<line x1="{_TARGET_X}" x2="{_TARGET_X}" y1="{_TOP - 6}" y2="{height - 34}" stroke="#1a202c"/>',
        f'<text x="16" y="{height - 12}" font-size="10" fill="#4a5568">{escape(facts)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(one: Figure, y: int) -> Iterator[str]:
    share = _share(one)
    length = min((_TARGET_X - _LABEL) * share, _TARGET_X - _LABEL + _LONGEST)
    bound = f"{'≤' if one.is_ceiling else '≥'} {shown(one.target or 0)}"
    label = f"{one.title} ({one.database})" if one.database else one.title
    yield f'<text x="{_LABEL - 10}" y="{y + 12}" text-anchor="end" font-size="11">{escape(label)}</text>'
    yield f'<rect x="{_LABEL}" y="{y}" width="{length:.0f}" height="16" fill="{_COLOURS[bool(one.reached)]}"/>'
    yield (
        f'<text x="{_LABEL + 6}" y="{y + 12}" font-size="11" fill="#ffffff" stroke="#1a202c" stroke-width="2" '
        f'paint-order="stroke">{shown(one.value)} {escape(one.unit)} (target {bound})</text>'
    )


def _share(one: Figure) -> float:
    """What was reached of the target; above 1 is better than asked, whichever way the target points."""
    target = one.target or 1.0
    if one.is_ceiling:
        return target / one.value if one.value else 10.0
    return one.value / target
