"""Times in queries and bodies: with an offset, and within the years that can be stored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from app.core.clock import Micros
from app.core.moments import parse_moment


def _checked(moment: datetime) -> datetime:
    if parse_moment(moment.isoformat()) is None:
        raise ValueError("write a time such as 2026-04-19T12:34:56Z")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_checked)]
"""A field that takes a time."""


def micros(moment: datetime | None) -> Micros | None:
    """Microseconds since the epoch."""
    return None if moment is None else parse_moment(moment.isoformat())
