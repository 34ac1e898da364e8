"""What of a filter of deliveries an index knows: ids become event numbers, and times the ends of a span of them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from app.core.clock import SECOND, Micros
from app.core.errors import NotFoundError
from app.core.ids import RANDOM_PART_LENGTH, parse_delivery_id
from app.core.whole_numbers import HIGHEST
from app.store.tables import IS_CHANGE, batches, deliveries, events

CLOCKS: Micros = 10 * SECOND
"""How far the clocks of machines may differ, or be set back, without hiding a delivery from a list."""
_LARGEST_BATCH = 20_000
_SAME_ID = 50
_BATCH_ID = len("bat_") + RANDOM_PART_LENGTH


class Owner(NamedTuple):
    """The webhook whose deliveries are looked for."""

    pk: int
    id: str
    organization_id: str


class Span(NamedTuple):
    """The events between two numbers, both included."""

    first: int
    last: int

    def below(self, number: int | None) -> Span:
        """The part of it before a number; None = all of it."""
        return self if number is None else Span(self.first, min(self.last, number - 1))


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


def numbers_named(connection: Connection, owner: Owner, name: str) -> list[int] | None:
    """The events of one webhook's deliveries that an id names whole; None = it names none, and may be the start of one.

    A delivery id and a batch's id, which a part of the batch continues, are what a request has as its ``webhook-id``.
    """
    try:
        webhook_id, number = parse_delivery_id(name)
    except NotFoundError:
        return _of_batch(connection, owner, name) or _of_event(connection, owner, name)
    return [number] if webhook_id == owner.id and number <= HIGHEST else []


def _of_batch(connection: Connection, owner: Owner, name: str) -> list[int] | None:
    if not name.startswith("bat_"):
        return None
    one = select(batches.c.pk).where(batches.c.id == name[:_BATCH_ID], batches.c.webhook_pk == owner.pk)
    members = select(deliveries.c.event_seq).where(deliveries.c.batch_pk == one.scalar_subquery())
    found = connection.execute(members.order_by(deliveries.c.event_seq.desc()).limit(_LARGEST_BATCH))
    return list(found.scalars()) or None


def _of_event(connection: Connection, owner: Owner, name: str) -> list[int] | None:
    same = select(events.c.seq).where(events.c.organization_id == owner.organization_id, events.c.id == name)
    return list(connection.execute(same.limit(_SAME_ID)).scalars()) or None
