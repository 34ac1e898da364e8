"""What the files of change windows are made of: one entry after the other, each a window or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidInputError

KIND_MARK = "x-relaypoint-kind"
GRACE_MARK = "x-relaypoint-grace-minutes"
SCOPE_MARK = "x-relaypoint-scope"
"""What our calendars say of an event in properties of our own: its kind, its grace, and that it does not cover all."""


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
