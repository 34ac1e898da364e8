"""Times as event numbers: a list goes by number alone, so a bound of time costs it two look-ups and no sorting."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from app.core.clock import SECOND, Micros
from app.core.whole_numbers import HIGHEST
from app.store.tables import IS_CHANGE, events

CLOCKS: Micros = 10 * SECOND
"""How far the clocks of machines may differ, or be set back, without hiding anything from a list."""


class Span(NamedTuple):
    """The events between two numbers, both included."""

    first: int
    last: int

    def below(self, number: int | None) -> Span:
        """The part of it before a number; None = all of it."""
        return self if number is None else Span(self.first, min(self.last, number - 1))


EVERYTHING = Span(1, HIGHEST)
"""All events there are and will be."""


def span_of(connection: Connection, organization_id: str, since: Micros | None, until: Micros | None) -> Span:
    """A span that holds every event of an organization received in a time.

    At its ends it may hold some more, since the numbers are given by the database and the times by many machines.
    """
    # The index of times knows changes only; they are enough to tell where a time begins.
    of_it = select(events.c.seq).where(events.c.organization_id == organization_id, IS_CHANGE).limit(1)
    first, last = 1, HIGHEST
    if since is not None:
        before = of_it.where(events.c.received_at < since - CLOCKS)
        latest = before.order_by(events.c.received_at.desc(), events.c.seq.desc())
        first = (connection.execute(latest).scalar_one_or_none() or 0) + 1
    if until is not None:
        behind = of_it.where(events.c.received_at >= until + CLOCKS).order_by(events.c.received_at, events.c.seq)
        last = (connection.execute(behind).scalar_one_or_none() or HIGHEST + 1) - 1
    return Span(first, last)
