"""Sizes as people write them: ``32 MiB``, ``500 KiB``."""

from __future__ import annotations

import re

from app.core.errors import InvalidInputError

_UNITS = {"mib": 1024 * 1024, "kib": 1024, "b": 1}
_TITLES = {"mib": "MiB", "kib": "KiB", "b": "B"}
_ONE = re.compile(r"(\d{1,12})\s*(mib|kib|b)?", re.IGNORECASE | re.ASCII)


def read_size(text: str, field: str) -> int:
    """Bytes of a size; a bare number is MiB.

    Raises:
        InvalidInputError: it is none.
    """
    found = _ONE.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError("write a size such as 32 MiB or 500 KiB", field=field)
    return int(found[1]) * _UNITS[(found[2] or "mib").lower()]


def shown_size(size: int) -> str:
    """The size in the largest unit that says all of it."""
    unit = next(one for one, factor in _UNITS.items() if size % factor == 0)
    return f"{size // _UNITS[unit]} {_TITLES[unit]}"
