"""Spans of time as people write them: ``30s, 2m, 1h 30m``."""

from __future__ import annotations

import re

from app.core.errors import InvalidInputError

_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_ONE = re.compile(r"(\d{1,7})\s*(d|h|min|m|sec|s)?", re.IGNORECASE)


def read_durations(text: str, field: str) -> list[int]:
    """Seconds of each span of a list with commas; a bare number is seconds.

    Raises:
        InvalidInputError: one of them is no span.
    """
    return [read_duration(part, field) for part in re.split(r"[,\n]", text) if part.strip()]


def read_duration(text: str, field: str) -> int:
    """Seconds of one span.

    Raises:
        InvalidInputError: it is none.
    """
    rest = text.strip()
    total = 0
    while rest:
        found = _ONE.match(rest)
        if found is None:
            raise InvalidInputError("write spans such as 30s, 2m, 1h 30m, separated by commas", field=field)
        total += int(found[1]) * _UNITS[(found[2] or "s").lower()]
        rest = rest[found.end() :].strip()
    return total


def shown_durations(spans: list[int]) -> str:
    """The list as it would be written."""
    return ", ".join(shown_duration(span) for span in spans)


def shown_duration(span: int) -> str:
    """One span, such as ``1h 4m``."""
    parts = []
    rest = span
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"
