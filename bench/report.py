"""What was measured, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench.figures import Figure, as_lines, as_rows

OURS = "relaypoint"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one design. ``cpu_us`` is processor time per delivery by part, microseconds."""

    deliveries: int
    seconds: float
    cpu_us: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds


@dataclass(frozen=True, slots=True)
class Row:
    """All runs of one design on one database."""

    database: str
    design: str
    samples: tuple[Sample, ...]

    @property
    def rate(self) -> float:
        """The median of its runs."""
        return median(sample.rate for sample in self.samples)

    def cpu_us(self) -> dict[str, float]:
        """Median processor time per delivery by part."""
        parts = self.samples[0].cpu_us
        return {part: round(median(sample.cpu_us.get(part, 0.0) for sample in self.samples), 1) for part in parts}


Steps = Mapping[str, Mapping[str, float]]
"""Microseconds per delivery by step, by database."""


def as_document(
    machine: dict[str, Any], figures: Sequence[Figure], rows: Sequence[Row], steps: Steps
) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "machine": machine,
        "figures": as_rows(figures),
        "drain": [
            {
                "database": row.database,
                "design": row.design,
                "deliveries_per_second": round(row.rate, 1),
                "cpu_us_per_delivery": row.cpu_us(),
                "runs": [asdict(sample) for sample in row.samples],
            }
            for row in rows
        ],
        "step_us_per_delivery": {database: dict(found) for database, found in steps.items()},
    }


def as_table(machine: dict[str, Any], figures: Sequence[Figure], rows: Sequence[Row], steps: Steps) -> str:
    """Everything, for people."""
    lines = [f"{name}: {value}" for name, value in machine.items()]
    lines += ["", *as_lines(figures)]
    if rows:
        lines += ["", f"{'database':<10}{'design':<34}{'per second':>11}  runs", "-" * 88]
    for row in rows:
        runs = " ".join(f"{sample.rate:,.0f}" for sample in row.samples)
        lines.append(f"{row.database:<10}{row.design:<34}{row.rate:>11,.0f}  {runs}")
    for row in rows:
        parts = ", ".join(f"{part} {value:,.0f}" for part, value in row.cpu_us().items())
        if parts:
            lines.append(f"CPU µs per delivery, {row.database}, {row.design}: {parts}")
    for database, found in steps.items():
        lines += ["", f"One engine, one thread, {database}: µs per delivery by step"]
        lines += [f"  {step:<32}{value:>7.1f}" for step, value in found.items()]
        lines.append(f"  {'all':<32}{sum(found.values()):>7.1f}")
    return "\n".join(lines)
