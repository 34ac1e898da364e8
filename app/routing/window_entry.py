"""What the files of change windows are made of: one entry after the other, each a window or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Args:
        place: where in the file, dotted, such as ``text.events.3``.
        name: what it is called there, "" when it has no name.
        found: a window as :class:`app.routing.change_windows.ChangeWindowInput` takes it, or what is wrong.
    """

    place: str
    name: str
    found: dict[str, Any] | InvalidInputError
