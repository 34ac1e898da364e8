"""Writing accepted events and the deliveries they owe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.core.states import DeliveryState
from app.store.accounts import raise_accounts
from app.store.bulk import bulk_insert
from app.store.partitions import next_counter
from app.store.tables import contexts, deliveries, events, organizations

CHUNK = 400
"""Keys looked up per statement; well under SQLite's bound on variables."""


class EventRow(NamedTuple):
    """One event ready to be stored; see the ``events`` table."""

    id: str
    dedupe_key: bytes
    organization_id: str
    context_id: str | None
    type: str
    action: str
    actor_email: str | None
    sensitivity: int | None
    occurred_at: Micros
    received_at: Micros
    body: bytes
    owes: tuple[tuple[int, Micros], ...]
    """The webhooks that get it, each with the time its delivery is due."""
    skips: tuple[tuple[int, str], ...] = ()
    """The webhooks in reach that do not get it, each with the reason."""

    def owing(self, owes: tuple[tuple[int, Micros], ...], skips: tuple[tuple[int, str], ...]) -> EventRow:
        """The same event with what it owes. Quicker than ``_replace``, which looks every column up by name."""
        return EventRow._make((*self[:_EVENT_WIDTH], owes, skips))


_EVENT_COLUMNS = tuple(name for name in EventRow._fields if name not in {"owes", "skips"})
_EVENT_WIDTH = len(_EVENT_COLUMNS)
SKIPPED_COLUMNS = ("webhook_pk", "event_seq", "state", "attempt_count", "tries", "reason")
"""What a delivery is written with that a filter or a change window keeps back."""
DELIVERY_COLUMNS = ("webhook_pk", "event_seq", "state", "due_at", "attempt_count", "tries")
"""What a new delivery is written with."""


_KNOWN_KEYS_POSTGRES = "SELECT dedupe_key FROM events WHERE dedupe_key = ANY(%s::bytea[])"


def known_keys(connection: Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Which of these dedupe keys are stored already."""
    if connection.dialect.name == "postgresql":
        return {row[0] for row in connection.exec_driver_sql(_KNOWN_KEYS_POSTGRES, (list(keys),))}
    found: set[bytes] = set()
    for start in range(0, len(keys), CHUNK):
        chunk = tuple(keys[start : start + CHUNK])
        found.update(row[0] for row in connection.exec_driver_sql(_known_keys_sqlite(len(chunk)), chunk))
    return found


@lru_cache(maxsize=CHUNK)
def _known_keys_sqlite(count: int) -> str:
    return f"SELECT dedupe_key FROM events WHERE dedupe_key IN ({', '.join('?' * count)})"  # noqa: S608 - marks only


def write_events(connection: Connection, rows: Sequence[EventRow]) -> None:
    """Store events and the deliveries they owe. The caller has removed duplicates inside this transaction.

    Sequence numbers come from a counter row that is held until the commit, so the ledger order is the commit order.
    """
    first = next_counter(connection, "event_seq", len(rows)) - len(rows) + 1
    event_rows: list[tuple[Any, ...]] = []
    delivery_rows: list[tuple[Any, ...]] = []
    skipped_rows: list[tuple[Any, ...]] = []
    for seq, row in enumerate(rows, first):
        event_rows.append((seq, *row[:_EVENT_WIDTH]))
        delivery_rows.extend((pk, seq, 0, due_at, 0, 0) for pk, due_at in row.owes)
        skipped_rows.extend((pk, seq, DeliveryState.SKIPPED, 0, 0, why) for pk, why in row.skips)
    bulk_insert(connection, events, ("seq", *_EVENT_COLUMNS), event_rows)
    bulk_insert(connection, deliveries, DELIVERY_COLUMNS, delivery_rows)
    if skipped_rows:
        bulk_insert(connection, deliveries, SKIPPED_COLUMNS, skipped_rows)
    raise_accounts(connection, Counter([row[0] for row in chain(delivery_rows, skipped_rows)]))


def lock_ingest(connection: Connection) -> None:
    """Take ingest's place in line, so that duplicate checks see every earlier commit (SQLite has turns already)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT value FROM counters WHERE name = 'event_seq' FOR UPDATE")


def organization_name(connection: Connection, organization_id: str) -> str | None:
    """The organization's name, or None when there is none of this id."""
    statement = select(organizations.c.name).where(organizations.c.id == organization_id)
    return connection.execute(statement).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class KnownContext:
    """A context that exists; its name may be unknown."""

    name: str | None


def context_name(connection: Connection, organization_id: str, context_id: str) -> KnownContext | None:
    """What is known of a context, or None."""
    statement = select(contexts.c.name).where(
        contexts.c.organization_id == organization_id, contexts.c.id == context_id
    )
    row = connection.execute(statement).one_or_none()
    return KnownContext(row.name) if row else None


def remember_context(
    connection: Connection, organization_id: str, context_id: str, *, service: str, name: str | None, now: Micros
) -> None:
    """A context appears, or takes the name an event carried."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(contexts).values(
        organization_id=organization_id, id=context_id, service=service, name=name, created_at=now
    )
    if name is None:
        statement = statement.on_conflict_do_nothing()
    else:
        statement = statement.on_conflict_do_update(index_elements=["organization_id", "id"], set_={"name": name})
    connection.execute(statement)
