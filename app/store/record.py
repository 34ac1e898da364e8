"""Recording: many finished attempts in one transaction, fenced by the lease token.

Nothing here is per delivery: each table gets one statement for the whole group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from sqlalchemy import BigInteger, Connection, bindparam, update

from app.core.clock import Micros
from app.store.bulk import bulk_insert
from app.store.tables import attempts, batches, contents, exchanges


@dataclass(frozen=True, slots=True)
class Settled:
    """A delivery's new state. ``due_at`` None = nobody must act.

    ``attempts_undone`` 1 = it was claimed but nothing was tried; ``tries_undone`` 1 = the try burns no step of the
    retry schedule.
    """

    webhook_pk: int
    event_seq: int
    state: int
    due_at: Micros | None
    reason: str | None = None
    attempts_undone: int = 0
    tries_undone: int = 0


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt; see the ``attempts`` table."""

    webhook_pk: int
    event_seq: int
    n: int
    started_at: Micros
    outcome: int
    status: int | None
    exchange_id: int | None
    error_class: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One HTTP request; see the ``exchanges`` table. Byte fields are content digests."""

    id: int
    webhook_pk: int
    started_at: Micros
    message_id: str
    signature: str
    request_head: bytes | None
    request_body: bytes | None
    response_head: bytes | None
    response_body: bytes | None
    truncated: bool
    peer: str
    dns_us: int
    connect_us: int
    tls_us: int
    first_byte_us: int
    total_us: int


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """A batch's new due time; None = it is finished or held."""

    pk: int
    due_at: Micros | None


@dataclass(slots=True)
class Record:
    """A group of results that is committed together. ``contents`` are ``(digest, day, bytes)``."""

    settled: list[Settled] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    exchanges: list[ExchangeRow] = field(default_factory=list)
    contents: list[tuple[bytes, int, bytes]] = field(default_factory=list)
    batches: list[SettledBatch] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.settled or self.attempts or self.exchanges or self.batches)


_ATTEMPT_COLUMNS = tuple(item.name for item in fields(AttemptRow))
_EXCHANGE_COLUMNS = tuple(item.name for item in fields(ExchangeRow))
_attempt_values = attrgetter(*_ATTEMPT_COLUMNS)
_exchange_values = attrgetter(*_EXCHANGE_COLUMNS)

_SETTLE_COLUMNS = ("state", "due_at", "reason", "attempts_undone", "tries_undone", "webhook_pk", "event_seq")
_settled_values = attrgetter(*_SETTLE_COLUMNS)

_SETTLE_SQLITE = """
    UPDATE deliveries
    SET state = ?, due_at = ?, reason = ?, lease_token = NULL, attempt_count = attempt_count - ?, tries = tries - ?
    WHERE webhook_pk = ? AND event_seq = ? AND lease_token = ?
"""

_SETTLE_POSTGRES = """
    UPDATE deliveries d
    SET state = v.state, due_at = v.due_at, reason = v.reason, lease_token = NULL,
        attempt_count = d.attempt_count - v.undone, tries = d.tries - v.unburnt
    FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::smallint[], %s::smallint[], %s::bigint[], %s::bigint[])
         AS v(state, due_at, reason, undone, unburnt, webhook_pk, event_seq)
    WHERE d.webhook_pk = v.webhook_pk AND d.event_seq = v.event_seq AND d.lease_token = %s
"""


def write_record(connection: Connection, record: Record, token: int) -> int:
    """Write a group; answers how many settlements were refused because another holder owns the row now."""
    # In digest order, so that two recording processes lock shared rows in the same order.
    bulk_insert(connection, contents, ("digest", "day", "body"), sorted(record.contents), skip_existing=True)
    bulk_insert(connection, exchanges, _EXCHANGE_COLUMNS, [_exchange_values(row) for row in record.exchanges])
    # A fenced engine may write an attempt that its successor wrote as unknown: the first writer's row stays.
    attempt_rows = [_attempt_values(row) for row in record.attempts]
    bulk_insert(connection, attempts, _ATTEMPT_COLUMNS, attempt_rows, skip_existing=True)
    fenced = len(record.settled) - _settle(connection, record.settled, token) if record.settled else 0
    if record.batches:
        connection.execute(
            update(batches)
            .where(batches.c.pk == bindparam("batch"), batches.c.lease_token == token)
            .values(due_at=bindparam("new_due", type_=BigInteger), lease_token=None),
            [{"batch": item.pk, "new_due": item.due_at} for item in record.batches],
        )
    return fenced


def _settle(connection: Connection, settled: Sequence[Settled], token: int) -> int:
    rows = [_settled_values(item) for item in settled]
    if connection.dialect.name == "postgresql":
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        return connection.exec_driver_sql(_SETTLE_POSTGRES, (*columns, token)).rowcount
    return connection.exec_driver_sql(_SETTLE_SQLITE, [(*row, token) for row in rows]).rowcount
