"""Paces: how many webhooks share what one receiver takes per second."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from app.store.tables import webhooks


def sharers_of(connection: Connection, pace_key: bytes) -> int:
    """How many enabled webhooks keep this pace together, at least one."""
    sharing = select(func.count()).select_from(webhooks).where(webhooks.c.pace_key == pace_key)
    return max(1, int(connection.execute(sharing.where(webhooks.c.state == "enabled")).scalar_one()))
