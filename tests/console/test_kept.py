"""What is said of what retention removed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.console.kept import bytes_removed, delivery_removed
from app.core.clock import DAY, SECOND, Micros
from app.settings import Settings

NOW: Micros = 1_776_782_400 * SECOND
"""2026-04-21T14:40:00Z."""
UTC = ZoneInfo("UTC")


def test_bytes_go_when_their_day_is_over_for_as_long_as_they_are_kept() -> None:
    kept = Settings(retention_days=3)
    words = bytes_removed(NOW - 10 * DAY, kept, NOW, UTC)
    assert words == "Removed by retention on 15 Apr 2026: exact bytes are kept for 3 days."


def test_a_day_that_the_present_settings_do_not_explain_is_not_made_up() -> None:
    kept = Settings(retention_days=1)
    assert bytes_removed(NOW - DAY, kept, NOW, UTC) == "Removed by retention: exact bytes are kept for 1 day."


def test_a_removed_delivery_says_since_when_they_are_kept() -> None:
    words = delivery_removed(Settings(receipt_retention_days=90), NOW, UTC)
    assert words == "This delivery was removed by retention. Deliveries are kept for 90 days: since 21 Jan 2026."
