"""Reasons as every database takes them."""

from __future__ import annotations

LONGEST_DETAIL = 500
"""Characters of a reason that are kept."""


def storable(text: str | None) -> str | None:
    """A reason as every database takes it: receivers' words may hold NUL or half a surrogate pair, or be endless."""
    if text is None:
        return None
    return text[:LONGEST_DETAIL].replace("\x00", "").encode("utf-8", "replace").decode()
