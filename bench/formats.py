"""What each sink takes to turn an event into bytes: processor time of this thread, parsing and framing included."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from app.sinks.kit.examples import example_bindings
from app.sinks.kit.golden_events import golden_events
from app.sinks.kit.subject import Subject
from app.sinks.manager import SinkManager
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.types import Event

TARGET_US = 150.0
"""No sink may take more for a typical event."""

BATCH = 100
_ROUNDS = 7
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class FormatCost:
    """One sink with one example of its settings: microseconds per event, alone and in a batch."""

    sink: str
    example: int
    alone_us: float
    in_batch_us: float

    @property
    def worst_us(self) -> float:
        """The dearer of the two."""
        return max(self.alone_us, self.in_batch_us)


def measure_formats() -> list[FormatCost]:
    """The cost of every installed sink, for every example of its settings."""
    manager = SinkManager.loaded()
    found = [(name, manager.get(name)) for name in manager.names()]
    return [cost for _, sink in found if sink is not None for cost in _costs(sink)]


def as_lines(costs: Sequence[FormatCost]) -> list[str]:
    """A table for people."""
    lines = [f"{'sink':<16}{'example':>8}{'alone':>9}{'in batch':>10}   µs per event", "-" * 60]
    lines += [f"{one.sink:<16}{one.example:>8}{one.alone_us:>9.1f}{one.in_batch_us:>10.1f}" for one in costs]
    slowest = max(costs, key=lambda one: one.worst_us)
    verdict = "reached" if slowest.worst_us <= TARGET_US else "MISSED"
    return [*lines, "", f"dearest: {slowest.sink}, {slowest.worst_us:.0f} µs (target {TARGET_US:.0f} µs: {verdict})"]


def as_documents(costs: Sequence[FormatCost]) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [asdict(one) for one in costs]


def _costs(sink: Sink) -> list[FormatCost]:
    return [
        FormatCost(
            sink.info.name,
            number,
            _microseconds(sink, replace(binding, batch=False), 1),
            _microseconds(sink, replace(binding, batch=True), BATCH),
        )
        for number, binding in enumerate(example_bindings(sink), start=1)
    ]


def _microseconds(sink: Sink, binding: AnyBinding, together: int) -> float:
    """Per event, the median of several rounds; each event is parsed anew, as a delivery's is."""
    typical = golden_events()[0]
    subject = Subject(sink, (binding,))
    spent = []
    for _ in range(_ROUNDS):
        events = [Event(typical.id, typical.type, typical.json) for _ in range(BATCH)]
        began = time.thread_time()
        for place in range(0, BATCH, together):
            subject.requests(events[place : place + together], binding)
        spent.append((time.thread_time() - began) / BATCH)
    return median(spent) * _MICROSECONDS
