"""Recording: many finished attempts in one transaction, fenced by the lease token.

Nothing here is per delivery: each table gets one statement for the whole group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.store.tables import attempts, batches, contents, deliveries, exchanges


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


_ATTEMPT_FIELDS = tuple(item.name for item in fields(AttemptRow))
_EXCHANGE_FIELDS = tuple(item.name for item in fields(ExchangeRow))

_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.webhook_pk == bindparam("pk"),
        deliveries.c.event_seq == bindparam("seq"),
        deliveries.c.lease_token == bindparam("token"),
    )
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("new_due"),
        reason=bindparam("new_reason"),
        lease_token=None,
        attempt_count=deliveries.c.attempt_count - bindparam("undone"),
        tries=deliveries.c.tries - bindparam("unburnt"),
    )
)

_SETTLE_POSTGRES = text("""
    UPDATE deliveries d
    SET state = v.state, due_at = v.due_at, reason = v.reason, lease_token = NULL,
        attempt_count = d.attempt_count - v.undone, tries = d.tries - v.unburnt
    FROM unnest(CAST(:pks AS bigint[]), CAST(:seqs AS bigint[]), CAST(:states AS smallint[]),
                CAST(:dues AS bigint[]), CAST(:reasons AS text[]), CAST(:undone AS smallint[]),
                CAST(:unburnt AS smallint[]))
         AS v(pk, seq, state, due_at, reason, undone, unburnt)
    WHERE d.webhook_pk = v.pk AND d.event_seq = v.seq AND d.lease_token = :token
""")


def write_record(connection: Connection, record: Record, token: int) -> int:
    """Write a group; answers how many settlements were refused because another holder owns the row now."""
    _insert_contents(connection, record.contents)
    if record.exchanges:
        connection.execute(insert(exchanges), _dictionaries(_EXCHANGE_FIELDS, record.exchanges))
    if record.attempts:
        _insert_attempts(connection, record.attempts)
    fenced = len(record.settled) - _settle(connection, record.settled, token) if record.settled else 0
    if record.batches:
        connection.execute(
            update(batches)
            .where(batches.c.pk == bindparam("batch"), batches.c.lease_token == token)
            .values(due_at=bindparam("new_due", type_=BigInteger), lease_token=None),
            [{"batch": item.pk, "new_due": item.due_at} for item in record.batches],
        )
    return fenced


def _insert_contents(connection: Connection, rows: Sequence[tuple[bytes, int, bytes]]) -> None:
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In digest order, so that two recording processes lock shared rows in the same order.
    ordered = [{"digest": digest, "day": day, "body": body} for digest, day, body in sorted(rows)]
    connection.execute(dialect.insert(contents).on_conflict_do_nothing(), ordered)


def _insert_attempts(connection: Connection, rows: Sequence[AttemptRow]) -> None:
    """A fenced engine may write an attempt that its successor wrote as unknown: the first writer's row stays."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(attempts).on_conflict_do_nothing()
    connection.execute(statement, _dictionaries(_ATTEMPT_FIELDS, rows))


def _dictionaries(names: tuple[str, ...], rows: Sequence[Any]) -> list[dict[str, Any]]:
    values = attrgetter(*names)
    return [dict(zip(names, values(row), strict=True)) for row in rows]


def _settle(connection: Connection, settled: Sequence[Settled], token: int) -> int:
    if connection.dialect.name == "postgresql":
        columns = {
            "pks": [item.webhook_pk for item in settled],
            "seqs": [item.event_seq for item in settled],
            "states": [item.state for item in settled],
            "dues": [item.due_at for item in settled],
            "reasons": [item.reason for item in settled],
            "undone": [item.attempts_undone for item in settled],
            "unburnt": [item.tries_undone for item in settled],
            "token": token,
        }
        return connection.execute(_SETTLE_POSTGRES, columns).rowcount
    rows = [
        {
            "pk": item.webhook_pk,
            "seq": item.event_seq,
            "token": token,
            "new_state": item.state,
            "new_due": item.due_at,
            "new_reason": item.reason,
            "undone": item.attempts_undone,
            "unburnt": item.tries_undone,
        }
        for item in settled
    ]
    return connection.execute(_SETTLE, rows).rowcount
