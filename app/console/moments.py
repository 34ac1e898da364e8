"""Times that people typed: in the organization's zone, without saying so."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.core.clock import Micros
from app.core.errors import InvalidInputError
from app.core.moments import parse_moment


def read_moment(text: str, zone: ZoneInfo, field: str) -> Micros | None:
    """A moment of an input of type ``datetime-local``, or with an offset of its own; None when nothing was typed.

    Raises:
        InvalidInputError: it is no time.
    """
    if not text.strip():
        return None
    try:
        typed = datetime.fromisoformat(text.strip())
        whole = (typed if typed.tzinfo else typed.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        whole = None
    found = None if whole is None else parse_moment(whole.isoformat())
    if found is None:
        raise InvalidInputError("write a time such as 2026-04-19T12:34", field=field)
    return found
