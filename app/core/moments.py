"""Reading the time of an event, in whatever form a source writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.clock import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST: Micros = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST: Micros = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // _MICROSECOND

_SECONDS_BELOW = 10**11
_MILLIS_BELOW = 10**14
_MICROS_BELOW = 10**17
_NANOS_BELOW = 10**21
"""An epoch number is told apart by magnitude: 10**11 seconds is the year 5138, 10**11 milliseconds is 1973."""
_LONGEST_TEXT = 64
_SHORTEST_EPOCH_TEXT = 9
"""A shorter run of digits is a compact date (20260419), not an epoch number."""


def parse_moment(value: object) -> Micros | None:
    """Microseconds since the epoch, or None when the value is no time.

    Takes RFC 3339 text with any offset (none means UTC, further digits of a second are cut), and epoch numbers in
    seconds, milliseconds, microseconds or nanoseconds, as numbers or as text.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    return None


def _from_text(text: str) -> Micros | None:
    if len(text) > _LONGEST_TEXT:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _from_odd_text(text.strip().upper())
    if text.isdigit() and len(text) >= _SHORTEST_EPOCH_TEXT:
        return _from_number(int(text))
    return _from_datetime(moment)


def _from_odd_text(text: str) -> Micros | None:
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return _from_number(int(text) if text.lstrip("+-").isdecimal() else number)
    plain = text.removesuffix("UTC").removesuffix("GMT").rstrip()
    try:
        # RFC 3339 allows a leap second; Python's datetime does not know one.
        return _from_datetime(datetime.fromisoformat(plain.replace(":60", ":59")))
    except ValueError:
        return None


def _from_datetime(moment: datetime) -> Micros | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    micros = (moment - _EPOCH) // _MICROSECOND
    return micros if _EARLIEST <= micros <= _LATEST else None


def _from_number(value: float) -> Micros | None:
    size = abs(value)
    if not size < _NANOS_BELOW:
        return None
    if size < _SECONDS_BELOW:
        micros = round(value * 1_000_000)
    elif size < _MILLIS_BELOW:
        micros = round(value * 1000)
    elif size < _MICROS_BELOW:
        micros = round(value)
    else:
        micros = int(value) // 1000
    return micros if _EARLIEST <= micros <= _LATEST else None
