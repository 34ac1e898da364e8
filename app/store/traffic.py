"""Counting what flows, in the transactions that let it flow: events by context, results of attempts by webhook.

A transaction adds one row per context or webhook, however many events it carries. The numbers are for pictures: what
became of each single event is proved by the ledger alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, select, text

from app.core.clock import DAY, HOUR, MILLISECOND, MINUTE, Micros
from app.core.states import DeliveryState
from app.store.raising import raise_numbers
from app.store.record import Record
from app.store.tables_traffic import UNFOLDED, WITHIN_MS, event_traffic, webhook_traffic

KEPT: Micros = 8 * DAY
"""How long the numbers are kept: a week, and the day that is not over."""
_FOLDED_AT_ONCE = 2_000
_HOUR = HOUR // MINUTE
_WITHIN_US = tuple(limit * MILLISECOND for limit in WITHIN_MS)
_DELIVERED, _RETRIED, _FAILED, _WAITS = 0, 1, 2, 3
_WIDTH = _WAITS + len(WITHIN_MS) + 1
_RESULT: dict[int, int] = {
    DeliveryState.DELIVERED: _DELIVERED,
    DeliveryState.ACCEPTED: _DELIVERED,
    DeliveryState.PENDING: _RETRIED,
    DeliveryState.FAILED: _FAILED,
}


def count_events(connection: Connection, contexts: Iterable[tuple[str, str | None]], now: Micros) -> None:
    """Count accepted events, each told by its organization and context."""
    counted = Counter(contexts)
    minute = now // MINUTE
    rows = [(organization, context or "", minute, number) for (organization, context), number in counted.items()]
    raise_numbers(connection, event_traffic, rows)


def count_results(connection: Connection, record: Record, now: Micros) -> None:
    """Count how attempts ended, and how long requests took."""
    found: dict[int, list[int]] = {}
    for one in record.settled:
        column = _RESULT.get(one.state)
        if column is not None and not one.attempts_undone:
            found.setdefault(one.webhook_pk, [0] * _WIDTH)[column] += 1
    for exchange in record.exchanges:
        waits = found.setdefault(exchange.webhook_pk, [0] * _WIDTH)
        waits[_WAITS + bisect_left(_WITHIN_US, exchange.total_us)] += 1
    minute = now // MINUTE
    raise_numbers(connection, webhook_traffic, [(pk, minute, *numbers) for pk, numbers in found.items()])


def count_unconfirmed(connection: Connection, webhook_pk: int, states: Iterable[DeliveryState], now: Micros) -> None:
    """Count deliveries whose receipt expired, each told by the state it got; they counted as delivered before."""
    numbers = [0] * _WIDTH
    for state in states:
        if _RESULT[state] != _DELIVERED:
            numbers[_RESULT[state]] += 1
    raise_numbers(connection, webhook_traffic, [(webhook_pk, now // MINUTE, *numbers)])


def fold_minutes(connection: Connection, now: Micros) -> int:
    """Fold some minutes of hours that are over into the first of their hour; answers how many, 0 = none is left.

    The last whole hour keeps its minutes, so that a rate can be read across the change of hours.
    """
    return sum(_fold(connection, table, now) for table in (webhook_traffic, event_traffic))


def _fold(connection: Connection, table: Table, now: Micros) -> int:
    over = (text(UNFOLDED), table.c.minute < (now // HOUR - 1) * _HOUR)
    minutes = (
        connection.execute(select(table).where(*over).order_by(table.c.minute).limit(_FOLDED_AT_ONCE)).mappings().all()
    )
    if not minutes:
        return 0
    owner = [column for column in table.primary_key if column is not table.c.minute]
    numbers = [column.name for column in table.columns if column not in set(table.primary_key)]
    hours: dict[tuple[Any, ...], Counter[str]] = {}
    for row in minutes:
        key = (*(row[column] for column in owner), row["minute"] - row["minute"] % _HOUR)
        hours.setdefault(key, Counter()).update({name: row[name] for name in numbers})
    raise_numbers(connection, table, [(*key, *(hour[name] for name in numbers)) for key, hour in hours.items()])
    mine = [column == bindparam(f"of_{column.name}") for column in owner]
    folded = [{f"of_{column.name}": row[column] for column in owner} | {"at": row["minute"]} for row in minutes]
    connection.execute(delete(table).where(*mine, table.c.minute == bindparam("at")), folded)
    too_old = [one | {"at": (now - KEPT) // MINUTE} for one in folded]
    connection.execute(delete(table).where(*mine, table.c.minute < bindparam("at")), too_old)
    return len(minutes)
