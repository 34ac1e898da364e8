"""What retention removed, and when: said where it would be seen, and no error."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.core.clock import DAY, SECOND, Micros
from app.settings import Settings


def bytes_removed(at: Micros, settings: Settings, now: Micros, zone: ZoneInfo) -> str:
    """What to say of the exact bytes of an attempt that began then and of which none are left.

    They go when their UTC day is over for as long as they are kept. Where the settings have changed since, the day that
    they went is not known.
    """
    gone_at = (at // DAY + settings.retention_days + 1) * DAY
    on = f" on {_day(gone_at, zone)}" if gone_at <= now else ""
    return f"Removed by retention{on}: exact bytes are kept for {_days(settings.retention_days)}."


def delivery_removed(settings: Settings, now: Micros, zone: ZoneInfo) -> str:
    """What to say of a delivery that was there once."""
    kept = settings.receipt_retention_days
    since = _day(now - kept * DAY, zone)
    return f"This delivery was removed by retention. Deliveries are kept for {_days(kept)}: since {since}."


def how_long(settings: Settings) -> str:
    """How long history is kept, for a page that shows it."""
    return (
        f"Deliveries are kept for {_days(settings.receipt_retention_days)}, "
        f"the exact bytes of requests and responses for {_days(settings.retention_days)}."
    )


def _day(at: Micros, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone).strftime("%d %b %Y")


def _days(number: int) -> str:
    return f"{number} day{'s' if number > 1 else ''}"
