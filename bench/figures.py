"""One figure: what was measured, how often, and what it should reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quantity.

    Args:
        name: short and stable; ``--only`` and the JSON use it.
        database: ``sqlite`` or ``postgres``; "" where no database takes part.
        title: what it is, for people.
        unit: of the values.
        values: one per run.
        target: what the median should reach; None = there is no target for it.
        is_ceiling: the target is a most and not a least.
        remark: what one needs to know beside it.
    """

    name: str
    database: str
    title: str
    unit: str
    values: tuple[float, ...]
    target: float | None = None
    is_ceiling: bool = False
    remark: str = ""

    @property
    def value(self) -> float:
        """The median of the runs."""
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.is_ceiling else self.value >= self.target


def as_rows(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Figures for JSON."""
    return [
        {
            "name": one.name,
            "database": one.database,
            "title": one.title,
            "value": round(one.value, 2),
            "unit": one.unit,
            "target": one.target,
            "at": "most" if one.is_ceiling else "least",
            "reached": one.reached,
            "runs": [round(value, 2) for value in one.values],
            "remark": one.remark,
        }
        for one in figures
    ]


def as_lines(figures: Sequence[Figure]) -> list[str]:
    """Figures as a table for people."""
    lines = [f"{'database':<10}{'figure':<58}{'median':>10} {'unit':<10}{'target':>12}  reached  runs", "-" * 124]
    for one in figures:
        bound = "" if one.target is None else f"{'≤' if one.is_ceiling else '≥'} {shown(one.target)}"
        verdict = {None: "", True: "yes", False: "NO"}[one.reached]
        runs = " ".join(shown(value) for value in one.values)
        lines.append(
            f"{one.database:<10}{one.title:<58}{shown(one.value):>10} {one.unit:<10}{bound:>12}  {verdict:<7}  {runs}"
        )
        if one.remark:
            lines.append(f"{'':<12}{one.remark}")
    return lines


def shown(value: float) -> str:
    """A number with as many digits as one wants to read."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"  # noqa: PLR2004 - from here on decimals say nothing
