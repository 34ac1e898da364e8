"""How often people and scripts may make a webhook send out of turn: its receiver is somebody else's."""

from __future__ import annotations

from sqlalchemy import Connection

from app.core.clock import Micros
from app.core.rate_limit import Rate
from app.store.rate_buckets import take_one

TESTS = Rate(per_s=0.5, burst=20)
"""Test sends of a webhook."""
REDELIVERIES = Rate(per_s=5, burst=100)
"""Redeliveries one by one, and replays begun, of a webhook."""


def count_test(connection: Connection, webhook_id: str, now: Micros) -> None:
    """Count a test send.

    Raises:
        RateLimitedError: it is one too many; the caller's transaction must not commit.
    """
    take_one(connection, f"test:{webhook_id}", TESTS, now, "test sends of this webhook")


def count_redelivery(connection: Connection, webhook_id: str, now: Micros) -> None:
    """Count a redelivery or a replay.

    Raises:
        RateLimitedError: it is one too many; the caller's transaction must not commit.
    """
    take_one(connection, f"redeliver:{webhook_id}", REDELIVERIES, now, "redeliveries of this webhook")
