"""How much there is to look at in change windows: all of an organization may be held against one event, or one page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import InvalidInputError

MAX_RANGES_OF_ALL = 2_000
"""Ranges in all windows of one organization."""


def size_of(spec: Mapping[str, Any]) -> int:
    """The ranges of a window in its JSON form: times, days, months and years; an interval without any counts as one."""
    return sum(
        max(1, sum(len(ranges) for ranges in interval.values() if isinstance(ranges, list)))
        for interval in spec.get("time_intervals") or []
    )


def check_size(size: int, *, before: int, others: int, field: str) -> None:
    """Whether a window has room beside the others. One that does not grow always has: no bound takes windows away.

    Args:
        size: of the window, from :func:`size_of`.
        before: of the one whose place it takes; 0 for a new one.
        others: of all other windows of the organization together.
        field: what to name in an error.

    Raises:
        InvalidInputError: there would be too many ranges.
    """
    if size > before and size + others > MAX_RANGES_OF_ALL:
        raise InvalidInputError(
            f"with this the change windows of the organization would have {size + others:,} times, days, months and "
            f"years, of at most {MAX_RANGES_OF_ALL:,}; say it in fewer, as monday:friday for five days, or delete a "
            "window that is over",
            field=field,
        )
