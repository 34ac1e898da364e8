"""Filters: small JSON patterns over the canonical event.

A pattern mirrors the nesting of the event. Sibling keys must all match; a leaf is a list of alternatives, of which one
must match. ``any``, ``all`` and ``not`` compose patterns. There are no regular expressions and no loops, so that what a
filter can cost is known when it is saved.
"""

from app.core.filters.budget import FilterTooCostlyError
from app.core.filters.pattern import Filter, read_filter

__all__ = ["Filter", "FilterTooCostlyError", "read_filter"]
