"""Retention: exact request and response bytes go after some days; attempts and deliveries, the receipts, stay."""

from __future__ import annotations

from sqlalchemy import delete, select

from app.core.clock import DAY, Micros
from app.store.engine import Store
from app.store.tables import contents

CHUNK = 2_000
"""Contents removed per transaction, so that nobody waits long for the write turn."""


def expire_contents(store: Store, now: Micros, keep_days: int) -> int:
    """Remove contents of days that are over for longer than ``keep_days``; answers how many were removed."""
    last_day = now // DAY - keep_days
    removed = 0
    while True:
        expired = select(contents.c.digest).where(contents.c.day < last_day).limit(CHUNK)
        with store.write() as connection:
            count = connection.execute(delete(contents).where(contents.c.digest.in_(expired))).rowcount
        removed += count
        if count < CHUNK:
            return removed
