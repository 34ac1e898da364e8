"""Pictures of the queues: how much each partition holds, and how the receivers fare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.console.drawing import Bar, Picture, line_of
from app.console.filters import number
from app.core.partitions import PARTITIONS
from app.store.queues import PartitionQueue, Tally

_STEP, _GAP, _HEIGHT, _LEAST = 8, 2, 28, 2
KINDS = (
    ("note", "Due now", "due"),
    ("good", "In flight", "in_flight"),
    ("warn", "Tries planned", "planned"),
    ("base", "For a batch", "buffered"),
    ("mark", "Held back", "held"),
)
"""What a partition may hold: its colour, its name, and its field."""
CONDITIONS = (
    ("good", "Healthy", "healthy"),
    ("note", "Unsteady", "unsteady"),
    ("warn", "Throttled", "throttled"),
    ("bad", "Failing", "failing"),
    ("mark", "Paused", "paused"),
    ("base", "Disabled", "disabled"),
    ("base", "Not set up", "needs_endpoint"),
)
"""How a webhook may fare: its colour, its name, and its word in the store."""


def told(tally: Tally) -> str:
    """A number; ``≥`` stands before one that was not counted to its end."""
    return (
        f"\N{GREATER-THAN OR EQUAL TO}\N{NARROW NO-BREAK SPACE}{number(tally.number)}"
        if tally.is_least
        else number(tally.number)
    )


def whole(queues: Sequence[PartitionQueue], kind: str) -> Tally:
    """One kind of all partitions together."""
    total = Tally()
    for queue in queues:
        total = total.plus(_of(queue, kind))
    return total


def queue_picture(queues: Sequence[PartitionQueue]) -> Picture:
    """A bar for each partition: how much it holds, by kind."""
    sizes = [[(tone, _of(queue, kind).number) for tone, _, kind in KINDS] for queue in queues]
    largest = max((sum(size for _, size in parts) for parts in sizes), default=0)
    bars: list[Bar] = []
    for place, parts in enumerate(sizes):
        bars += _stack(place * _STEP, parts, largest)
    said = ", ".join(f"{title.lower()} {told(whole(queues, kind))}" for _, title, kind in KINDS)
    axis = ("partition 0", f"partition {PARTITIONS - 1}")
    width = PARTITIONS * _STEP - _GAP
    return Picture(
        width, _HEIGHT, tuple(bars), f"All partitions together: {said}", scale=f"up to {number(largest)}", axis=axis
    )


def condition_picture(counts: Mapping[str, int]) -> Picture:
    """All webhooks as one line, by how they fare."""
    parts = [(tone, title, counts.get(name, 0)) for tone, title, name in CONDITIONS]
    said = ", ".join(f"{title.lower()} {number(size)}" for _, title, size in parts if size) or "none"
    return Picture(1000, 12, line_of(parts), f"Webhooks: {said}")


def _of(queue: PartitionQueue, kind: str) -> Tally:
    found: Tally = getattr(queue, kind)
    return found


def _stack(x: int, parts: Sequence[tuple[str, int]], largest: int) -> list[Bar]:
    """The kinds of one partition on top of each other, each high enough to be seen."""
    heights = {tone: max(_LEAST, round(size / largest * _HEIGHT)) for tone, size in parts if size}
    if not heights:
        return [Bar("base", x, _HEIGHT - 1, _STEP - _GAP, 1, 0)]
    heights[max(heights, key=heights.__getitem__)] -= max(0, sum(heights.values()) - _HEIGHT)
    bars, bottom = [], _HEIGHT
    for tone, height in heights.items():
        bottom -= height
        bars.append(Bar(tone, x, bottom, _STEP - _GAP, height, 0))
    return bars
