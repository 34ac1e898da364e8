"""Whether anything happened, at the price of a few index probes however much is stored: for pages that are live."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, or_, select, text

from app.store.record import EXCHANGE_BITS
from app.store.tables import counters, events, exchanges, webhooks

ENGINES = 64
"""Engines whose exchanges are looked at, those that started last: workers that died long ago are not waited for."""
TOLD_APART = 1_000
"""Events or exchanges between two looks up to which it is said whom they concern."""

_NEWEST_EXCHANGES = text("""
    WITH RECURSIVE newest(id, n) AS (
        SELECT max(id), 1 FROM exchanges
        UNION ALL
        SELECT (SELECT max(x.id) FROM exchanges x WHERE x.id < ((newest.id >> :bits) << :bits)), newest.n + 1
        FROM newest WHERE newest.id IS NOT NULL AND newest.n < :engines
    )
    SELECT id FROM newest WHERE id IS NOT NULL
""")
"""The newest exchange of each engine: from one to the next by the primary key, without reading what is between."""


class Pulse(NamedTuple):
    """How far everything had come: the last event, and the last exchange of each engine."""

    event_seq: int
    exchanges: tuple[int, ...]


def read_pulse(connection: Connection) -> Pulse:
    """How far everything has come by now."""
    seq = connection.execute(select(counters.c.value).where(counters.c.name == "event_seq")).scalar_one_or_none()
    newest = connection.execute(_NEWEST_EXCHANGES, {"bits": EXCHANGE_BITS, "engines": ENGINES}).scalars()
    return Pulse(seq or 0, tuple(newest))


def organizations_between(connection: Connection, before: Pulse, after: Pulse) -> frozenset[str] | None:
    """The organizations that something happened in between two looks; None = too much to tell them apart."""
    ranges = _new_exchanges(before, after)
    if after.event_seq - before.event_seq + sum(last - first for first, last in ranges) > TOLD_APART:
        return None
    new = (events.c.seq > before.event_seq, events.c.seq <= after.event_seq)
    found = set(connection.execute(select(events.c.organization_id).where(*new).distinct()).scalars())
    if ranges:
        sent = or_(*((exchanges.c.id > first) & (exchanges.c.id <= last) for first, last in ranges))
        senders = webhooks.c.pk.in_(select(exchanges.c.webhook_pk).where(sent))
        found.update(connection.execute(select(webhooks.c.organization_id).where(senders).distinct()).scalars())
    return frozenset(found)


def _new_exchanges(before: Pulse, after: Pulse) -> list[tuple[int, int]]:
    """Behind which exchange, and up to which, each engine has written since."""
    known = {number >> EXCHANGE_BITS: number for number in before.exchanges}
    ends = ((number >> EXCHANGE_BITS, number) for number in after.exchanges)
    # The first number of an engine is 0.
    ranges = [(known.get(token, (token << EXCHANGE_BITS) - 1), number) for token, number in ends]
    return [(first, last) for first, last in ranges if last > first]
