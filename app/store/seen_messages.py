"""Signed messages that were accepted lately: a copy of one is a duplicate, whatever is in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from app.core.clock import Micros
from app.store.bulk import bulk_insert
from app.store.tables_limits import seen_messages

CHUNK = 500
"""Rows removed in one step."""


class MessageMark(NamedTuple):
    """One signed message: who sent it, what tells it from others, and until when it is remembered."""

    sender: str
    mark: bytes
    until: Micros


def seen_before(connection: Connection, marks: Sequence[MessageMark], now: Micros) -> set[tuple[str, bytes]]:
    """Which of these messages were accepted before. The caller holds ingest's place in line."""
    key = tuple_(seen_messages.c.sender, seen_messages.c.mark)
    wanted = key.in_([(one.sender, one.mark) for one in marks])
    rows = connection.execute(
        select(seen_messages.c.sender, seen_messages.c.mark).where(wanted, seen_messages.c.until > now)
    )
    return {(row.sender, row.mark) for row in rows}


def remember_messages(connection: Connection, marks: Collection[MessageMark]) -> None:
    """Remember messages, in the transaction that stores what they brought."""
    if not marks:
        return
    # One whose time is over may still lie there.
    key = tuple_(seen_messages.c.sender, seen_messages.c.mark)
    connection.execute(delete(seen_messages).where(key.in_([(one.sender, one.mark) for one in marks])))
    bulk_insert(connection, seen_messages, MessageMark._fields, [tuple(one) for one in marks])


def forget_messages(connection: Connection, now: Micros) -> int:
    """Remove some messages whose time is over; answers how many."""
    over = select(seen_messages.c.sender, seen_messages.c.mark).where(seen_messages.c.until <= now).limit(CHUNK)
    keys = [(row.sender, row.mark) for row in connection.execute(over)]
    if keys:
        key = tuple_(seen_messages.c.sender, seen_messages.c.mark)
        connection.execute(delete(seen_messages).where(key.in_(keys)))
    return len(keys)
