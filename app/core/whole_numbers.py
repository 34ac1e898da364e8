"""Whole numbers as strangers write them: in a query, a form or a cursor."""

from __future__ import annotations

HIGHEST = 2**63 - 1
"""The largest number that a column holds."""
_DIGITS = len(str(HIGHEST))


def whole_number(text: str) -> int | None:
    """The number that ASCII digits stand for; None when they are none, or more than a column holds."""
    # The length comes first: Python raises at thousands of digits.
    if len(text) > _DIGITS or not text.isascii() or not text.isdigit():
        return None
    number = int(text)
    return number if number <= HIGHEST else None
