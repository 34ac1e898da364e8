"""What was measured, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

OURS = "relaypoint"
TARGETS = {"sqlite": 20.0, "postgres": 15.0}
"""How many times the better naive design this stack must reach."""


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


def ratio_to_best_naive(rows: Sequence[Row], database: str) -> float | None:
    """This stack's rate over the best naive rate on a database; None when either is missing."""
    ours = [row.rate for row in rows if row.database == database and row.design == OURS]
    naive = [row.rate for row in rows if row.database == database and row.design != OURS]
    return ours[0] / max(naive) if ours and naive else None


Steps = Mapping[str, Mapping[str, float]]
"""Microseconds per delivery by step, by database."""


def as_document(machine: dict[str, Any], rows: Sequence[Row], steps: Steps) -> dict[str, Any]:
    """Everything, for JSON."""
    databases = list(dict.fromkeys(row.database for row in rows))
    return {
        "machine": machine,
        "rows": [
            {
                "database": row.database,
                "design": row.design,
                "deliveries_per_second": round(row.rate, 1),
                "cpu_us_per_delivery": row.cpu_us(),
                "runs": [asdict(sample) for sample in row.samples],
            }
            for row in rows
        ],
        "ratios": {
            database: {"to_best_naive": round(ratio, 1), "target": TARGETS[database]}
            for database in databases
            if (ratio := ratio_to_best_naive(rows, database)) is not None
        },
        "step_us_per_delivery": {database: dict(found) for database, found in steps.items()},
    }


def as_table(machine: dict[str, Any], rows: Sequence[Row], steps: Steps) -> str:
    """Everything, for people."""
    lines = [f"{name}: {value}" for name, value in machine.items()]
    lines += ["", f"{'database':<10}{'design':<34}{'per second':>11}  runs", "-" * 88]
    for row in rows:
        runs = " ".join(f"{sample.rate:,.0f}" for sample in row.samples)
        lines.append(f"{row.database:<10}{row.design:<34}{row.rate:>11,.0f}  {runs}")
    lines.append("")
    for row in rows:
        parts = ", ".join(f"{part} {value:,.0f}" for part, value in row.cpu_us().items())
        if parts:
            lines.append(f"CPU µs per delivery, {row.database}, {row.design}: {parts}")
    for database in dict.fromkeys(row.database for row in rows):
        ratio = ratio_to_best_naive(rows, database)
        if ratio is not None:
            verdict = "reached" if ratio >= TARGETS[database] else "MISSED"
            lines.append(
                f"{database}: {ratio:.1f} x the best naive design (target {TARGETS[database]:.0f} x: {verdict})"
            )
    for database, found in steps.items():
        lines += ["", f"One engine, one thread, {database}: µs per delivery by step"]
        lines += [f"  {step:<32}{value:>7.1f}" for step, value in found.items()]
        lines.append(f"  {'all':<32}{sum(found.values()):>7.1f}")
    return "\n".join(lines)
