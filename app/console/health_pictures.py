"""Pictures of an installation's health: what became of deliveries, how long something waits, how fresh workers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.checkup import LATE
from app.console.drawing import Bar, Picture, line_of
from app.console.filters import milliseconds, number, share
from app.core.clock import SECOND, Micros
from app.core.partitions import PARTITIONS
from app.queue.heartbeats import Heartbeat
from app.store.ledger import Ledger

_STEP, _GAP, _HEIGHT, _LEAST = 8, 2, 28, 3
_QUIET: Micros = 5 * SECOND
"""A worker says once a second that it lives; one that was not heard of for so long is busy, or gone."""
STATES = (
    ("good", "Delivered", "delivered"),
    ("note", "Waiting for a confirmation", "confirming"),
    ("warn", "Pending", "pending"),
    ("bad", "Failed", "failed"),
    ("mark", "Parked", "parked"),
    ("base", "Skipped", "skipped"),
)
"""What can become of a delivery: its colour, its name, and its column of the ledger."""


def ledger_picture(ledger: Ledger) -> Picture:
    """All that was ever owed as one line, by what became of it."""
    parts = [(tone, title, ledger.total(column)) for tone, title, column in STATES]
    whole = sum(size for _, _, size in parts)
    rows = tuple((title, number(size), share(size, whole)) for _, title, size in parts)
    said = ", ".join(f"{title.lower()} {size}" for title, size, _ in rows)
    return Picture(
        1000, 12, line_of(parts), f"What became of deliveries: {said}", ("State", "Deliveries", "Share"), rows
    )


def waiting_picture(since: Mapping[int, Micros], now: Micros) -> Picture:
    """A bar for each partition: how long its oldest delivery waits that could be sent."""
    ages = [max(0, now - since[place]) if place in since else None for place in range(PARTITIONS)]
    names = [f"Partition {place}" for place in range(PARTITIONS)]
    oldest = max((age for age in ages if age is not None), default=None)
    text = "Nothing waits" if oldest is None else f"The oldest delivery waits for {milliseconds(oldest)}"
    late = sum(age > LATE for age in ages if age is not None)
    text += f": more than {milliseconds(LATE)} in {number(late)} of {PARTITIONS} partitions" if late else ""
    axis = ("partition 0", f"partition {PARTITIONS - 1}")
    return _ages(names, ages, LATE, text, ("Partition", "Oldest waits for"), axis)


def worker_picture(heard: Sequence[Heartbeat], now: Micros) -> Picture:
    """A bar for each worker: how long ago it said that it lives."""
    ages = [max(0, now - one.at) for one in heard]
    quiet = sum(age > _QUIET for age in ages)
    text = "1 worker" if len(ages) == 1 else f"{number(len(ages))} workers"
    text += (
        f", {number(quiet)} not heard of for more than {milliseconds(_QUIET)}" if quiet else ", each heard of just now"
    )
    return _ages([one.worker for one in heard], ages, _QUIET, text, ("Worker", "Heard of"), ())


def _ages(
    names: Sequence[str],
    ages: Sequence[Micros | None],
    limit: Micros,
    text: str,
    columns: tuple[str, str],
    axis: tuple[str, ...],
) -> Picture:
    """A bar for each age, bad above the limit; the limit is no lower than half the picture."""
    top = max(2 * limit, *(age or 0 for age in ages), 1)
    bars: list[Bar] = []
    for place, age in enumerate(ages):
        height = 1 if age is None else max(_LEAST, round(age / top * _HEIGHT))
        tone = "base" if age is None else "bad" if age > limit else "good"
        bars.append(Bar(tone, place * _STEP, _HEIGHT - height, _STEP - _GAP, height, 0))
    rows = tuple((name, "nothing" if age is None else milliseconds(age)) for name, age in zip(names, ages, strict=True))
    width = max(len(ages), PARTITIONS) * _STEP - _GAP  # so that the bars of few workers are no slabs
    return Picture(width, _HEIGHT, tuple(bars), text, columns, rows, f"up to {milliseconds(top)}", axis)
