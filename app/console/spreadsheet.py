"""Lines for a spreadsheet: RFC 4180, and no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Sequence[object]) -> str:
    """One line, with its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """A cell that begins like a formula gets an apostrophe before it, as spreadsheets themselves do."""
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell
