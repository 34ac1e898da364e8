"""Time as the project passes it around: integers, microseconds since 1970-01-01T00:00:00Z."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

Micros = int
"""Microseconds since the Unix epoch (a point in time) or microseconds (a span)."""

Clock = Callable[[], Micros]
"""Answers the current time; passed as an argument so that tests can move it."""

MILLISECOND: Micros = 1_000
SECOND: Micros = 1_000 * MILLISECOND
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

AT_ONCE: Micros = 1
"""A due time before every real one. Deliveries that carry it go in ledger order, ahead of those with a time."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without saying so, which is quicker to write out


def system_clock() -> Micros:
    """The wall clock of this machine."""
    return time.time_ns() // 1000


def to_rfc3339(moment: Micros) -> str:
    """``2026-04-19T12:34:56.118Z``: milliseconds, always UTC."""
    return (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="milliseconds") + "Z"
