"""What the indexes know of an id in a filter of deliveries: it becomes event numbers."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from app.core.errors import NotFoundError
from app.core.ids import RANDOM_PART_LENGTH, parse_delivery_id
from app.core.whole_numbers import HIGHEST
from app.store.tables import batches, deliveries, events

_LARGEST_BATCH = 20_000
_SAME_ID = 50
_BATCH_ID = len("bat_") + RANDOM_PART_LENGTH


class Owner(NamedTuple):
    """The webhook whose deliveries are looked for."""

    pk: int
    id: str
    organization_id: str


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
