"""Filters: small JSON patterns over the canonical event.

A pattern mirrors the nesting of the event. Sibling keys must all match; a leaf is a list of alternatives, of which one
must match. ``any``, ``all`` and ``not`` compose patterns. There are no regular expressions and no loops, so that what a
filter can cost is known when it is saved. Plugins bring dialects, which judge by expressions of their own.
"""

from app.core.filters.budget import FilterFailedError, FilterTooCostlyError, FilterUndecidedError
from app.core.filters.dialects import DIALECTS, read_any_filter, stored_filter
from app.core.filters.pattern import Filter, read_filter

__all__ = [
    "DIALECTS",
    "Filter",
    "FilterFailedError",
    "FilterTooCostlyError",
    "FilterUndecidedError",
    "read_any_filter",
    "read_filter",
    "stored_filter",
]
