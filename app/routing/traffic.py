"""How many events came lately, by context: for pictures of what flows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.core.clock import DAY, Micros
from app.security.scope import Scope
from app.store.tables import events

MOST_COUNTED = 20_000
"""Newest events looked at; a busier day is told as at least so many."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Events of the last day by context, None = the organization itself; ``is_more`` = there were more than counted."""

    by_context: dict[str | None, int]
    is_more: bool

    @property
    def total(self) -> int:
        """All that were counted."""
        return sum(self.by_context.values())


def traffic_of_day(connection: Connection, scope: Scope, now: Micros) -> Traffic:
    """What was received in the last 24 hours within a scope."""
    newest = (
        select(events.c.context_id)
        .where(*scope.within(events), events.c.received_at >= now - DAY)
        .order_by(events.c.received_at.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    rows = connection.execute(select(newest.c.context_id, func.count()).group_by(newest.c.context_id)).all()
    counted = {row[0]: int(row[1]) for row in rows}
    return Traffic(counted, sum(counted.values()) >= MOST_COUNTED)
