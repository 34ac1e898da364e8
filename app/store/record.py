"""Recording: many finished attempts in one transaction, fenced by the lease token.

Nothing here is per delivery: each table gets one statement for the whole group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, bindparam, update

from app.core.clock import Micros
from app.core.states import AttemptCause
from app.store.bulk import bulk_insert
from app.store.plugin_faults import PluginFaultRow
from app.store.receipts import ReceiptRow, write_receipts
from app.store.tables import attempts, batch_requests, batches, contents, exchanges

EXCHANGE_BITS = 32
"""The number of an exchange is the fencing token of its engine and, in so many bits, a count: each engine's go up."""


class Settled(NamedTuple):
    """A delivery's new state. ``due_at`` None = nobody must act.

    ``attempts_undone`` 1 = it was claimed but nothing was tried; ``tries_undone`` 1 = the try burns no step of the
    retry schedule. ``cause`` is why its next attempt will be made.
    """

    webhook_pk: int
    event_seq: int
    state: int
    due_at: Micros | None
    reason: str | None = None
    attempts_undone: int = 0
    tries_undone: int = 0
    cause: int = AttemptCause.FIRST


class AttemptRow(NamedTuple):
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
    cause: int = AttemptCause.FIRST


class ExchangeRow(NamedTuple):
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
    tls_version: str | None = None


class BatchRequestRow(NamedTuple):
    """One request of a batch; see the ``batch_requests`` table. ``verdict`` is the sink's or the transport's word."""

    exchange_id: int
    batch_pk: int
    event_count: int
    status: int | None
    verdict: str
    detail: str | None


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
    batch_requests: list[BatchRequestRow] = field(default_factory=list)
    receipts: list[ReceiptRow] = field(default_factory=list)
    faults: list[PluginFaultRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.settled or self.attempts or self.exchanges or self.batches or self.faults)


_SETTLE_SQLITE = """
    UPDATE deliveries
    SET state = ?3, due_at = ?4, reason = ?5, lease_token = NULL,
        attempt_count = attempt_count - ?6, tries = tries - ?7, cause = ?8
    WHERE webhook_pk = ?1 AND event_seq = ?2 AND lease_token = ?9
"""

_SETTLE_POSTGRES = """
    UPDATE deliveries d
    SET state = v.state, due_at = v.due_at, reason = v.reason, lease_token = NULL,
        attempt_count = d.attempt_count - v.undone, tries = d.tries - v.unburnt, cause = v.cause
    FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::bigint[], %s::text[], %s::smallint[], %s::smallint[],
                %s::smallint[])
         AS v(webhook_pk, event_seq, state, due_at, reason, undone, unburnt, cause)
    WHERE d.webhook_pk = v.webhook_pk AND d.event_seq = v.event_seq AND d.lease_token = %s
"""


def write_record(connection: Connection, record: Record, token: int) -> int:
    """Write a group; answers how many settlements were refused because another holder owns the row now."""
    # In digest order, so that two recording processes lock shared rows in the same order.
    bulk_insert(connection, contents, ("digest", "day", "body"), sorted(record.contents), skip_existing=True)
    bulk_insert(connection, exchanges, ExchangeRow._fields, record.exchanges)
    bulk_insert(connection, batch_requests, BatchRequestRow._fields, record.batch_requests)
    # A fenced engine may write an attempt that its successor wrote as unknown: the first writer's row stays.
    write_attempts(connection, record.attempts)
    if record.receipts:
        write_receipts(connection, record.receipts)
    fenced = len(record.settled) - _settle(connection, record.settled, token) if record.settled else 0
    if record.batches:
        connection.execute(
            update(batches)
            .where(batches.c.pk == bindparam("batch"), batches.c.lease_token == token)
            .values(due_at=bindparam("new_due", type_=BigInteger), lease_token=None),
            [{"batch": item.pk, "new_due": item.due_at} for item in record.batches],
        )
    return fenced


def write_attempts(connection: Connection, rows: Sequence[AttemptRow]) -> None:
    """Write attempts; one that is there already stays."""
    bulk_insert(connection, attempts, AttemptRow._fields, rows, skip_existing=True)


def _settle(connection: Connection, settled: Sequence[Settled], token: int) -> int:
    if connection.dialect.name == "postgresql":
        columns = tuple(list(column) for column in zip(*settled, strict=True))
        return connection.exec_driver_sql(_SETTLE_POSTGRES, (*columns, token)).rowcount
    return connection.exec_driver_sql(_SETTLE_SQLITE, [(*row, token) for row in settled]).rowcount
