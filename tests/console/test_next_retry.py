from __future__ import annotations

from app.console.next_retry import next_retry
from app.delivery.under_way import Moments


def test_a_webhook_that_is_held_back_tries_next_when_it_may() -> None:
    held = {"state": "enabled", "health": {"next_probe_at": "2026-04-21T14:45:00.000Z"}}
    free = {"state": "enabled", "health": {"next_probe_at": None}}
    assert next_retry(held, Moments(1, None)) == "2026-04-21T14:45:00.000Z"
    assert next_retry(held, Moments(1, 7)) == 7
    assert next_retry(free, Moments(1, None)) is None
    assert next_retry(free | {"state": "paused"}, Moments(1, 7)) is None
