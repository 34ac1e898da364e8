"""Buffers: what waits for the next batch of each webhook, counted once per delivery.

A buffer is no table of its own: it is the pending deliveries of a batch webhook that have a due time and no batch. What
is kept is a running count, ``buffers``, because counting twenty thousand rows and their bytes again with every turn
would cost more than delivering them. Event numbers rise with every commit, so what came since the last count is one
short range of the primary key. The count only tells when to close: the members are chosen from the rows themselves.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import MINUTE, SECOND, Micros
from app.core.states import DeliveryState, Mode
from app.store.tables import buffers, deliveries, events, webhooks

CLOCK_SLACK: Micros = MINUTE
"""How far the clocks of our machines may differ. A buffered delivery that is due later than its greatest age and this
was written before the clock was set back, and must not wait for the old time to come again."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A batch webhook whose buffer wants a look. ``counted_seq`` is the last event number that was counted."""

    webhook_pk: int
    state: str
    max_events: int
    max_bytes: int
    max_age: Micros
    counted_seq: int
    events: int
    bytes: int

    @property
    def is_full(self) -> bool:
        """Whether a batch closes by count or by bytes."""
        return self.events >= self.max_events or self.bytes >= self.max_bytes


def _max_age() -> ColumnElement[int]:
    return cast(webhooks.c.batch_max_age_s, BigInteger) * SECOND


def wants_look(now: Micros | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a webhook's buffer grew, is full, was filled by a clock that has been set back, or must be closed.

    Buffers that are old enough are not named here: their deliveries are due.
    """
    last_seq = select(deliveries.c.event_seq).where(deliveries.c.event_seq > 0).order_by(deliveries.c.event_seq.desc())
    counted, number, size = (
        _of_webhook(buffers, select(column)) for column in (buffers.c.counted_seq, buffers.c.events, buffers.c.bytes)
    )
    last_due = _of_webhook(deliveries, _LAST_DUE)
    enabled = or_(
        _of_webhook(deliveries, last_seq) > func.coalesce(counted, 0),
        number >= webhooks.c.batch_max_events,
        size >= webhooks.c.batch_max_bytes,
        last_due > now + _max_age() + CLOCK_SLACK,
    )
    return and_(
        webhooks.c.mode == Mode.BATCH,
        or_(
            and_(webhooks.c.state == "enabled", enabled),
            and_(webhooks.c.state == "disabled", last_due.is_not(None)),
        ),
    )


# The first and the last are one step into an index, whatever the statistics say. EXISTS was answered by reading the
# whole table once the planner believed that most rows would do.
_BUFFERED = select(deliveries.c.due_at).where(deliveries.c.due_at > 0)
_FIRST_DUE = _BUFFERED.order_by(deliveries.c.due_at)
_LAST_DUE = _BUFFERED.order_by(deliveries.c.due_at.desc())


def _of_webhook(table: Table, rows: Select[Any]) -> ScalarSelect[Any]:
    first = rows.where(table.c.webhook_pk == webhooks.c.pk).limit(1)
    return first.correlate(webhooks).scalar_subquery()


def batch_partitions(connection: Connection) -> frozenset[int]:
    """The partitions that have batch webhooks. Every new webhook raises the routing generation."""
    mine = select(webhooks.c.partition).where(webhooks.c.mode == Mode.BATCH, webhooks.c.deleted_at.is_(None))
    return frozenset(connection.execute(mine.distinct()).scalars())


def buffers_to_look_at(connection: Connection, held: Collection[int], now: Micros, limit: int) -> list[Buffer]:
    """Buffers of the held partitions that may have to be closed, their webhooks locked until the commit.

    A webhook that somebody else is changing at this moment is left for the next look.
    """
    found = connection.execute(_to_look_at(), {"held": sorted(held), "now": now, "most": limit})
    return [Buffer(*row) for row in found]


@cache
def _to_look_at() -> Select[Any]:
    """Built once: it is asked with every turn, and building it costs more than asking it."""
    now = bindparam("now", type_=BigInteger)
    first_due = _of_webhook(deliveries, _FIRST_DUE)
    old = and_(webhooks.c.mode == Mode.BATCH, webhooks.c.state == "enabled", first_due <= now)
    return (
        _buffers()
        .where(webhooks.c.partition.in_(bindparam("held", expanding=True)), or_(wants_look(now), old))
        .order_by(webhooks.c.pk)
        .limit(bindparam("most", type_=BigInteger))
        .with_for_update(of=webhooks, skip_locked=True)
    )


def lock_buffer(connection: Connection, webhook_pk: int) -> Buffer:
    """The buffer of one webhook, locked until the commit: nobody else closes a batch of it meanwhile."""
    locked = _buffers().where(webhooks.c.pk == webhook_pk).with_for_update(of=webhooks)
    return Buffer(*connection.execute(locked).one())


def _buffers() -> Select[Any]:
    return select(
        webhooks.c.pk,
        webhooks.c.state,
        webhooks.c.batch_max_events,
        webhooks.c.batch_max_bytes,
        _max_age(),
        func.coalesce(buffers.c.counted_seq, 0),
        func.coalesce(buffers.c.events, 0),
        func.coalesce(buffers.c.bytes, 0),
    ).outerjoin_from(webhooks, buffers, buffers.c.webhook_pk == webhooks.c.pk)


def event_size(event_seq: ColumnElement[int]) -> ColumnElement[int]:
    """Bytes of an event in a batch, with the comma. Neither database reads a long body to tell its length.

    A look-up for each row, not a join: planned with old statistics, a join reads every event there is.
    """
    return select(func.length(events.c.body) + 1).where(events.c.seq == event_seq).scalar_subquery()


def has_waited(connection: Connection, buffer: Buffer, now: Micros) -> bool:
    """Whether the oldest delivery of a buffer is old enough, or was written before the clock was set back."""
    mine = deliveries.c.webhook_pk == buffer.webhook_pk
    first, last = (
        connection.execute(ends.where(mine).limit(1)).scalar_one_or_none() for ends in (_FIRST_DUE, _LAST_DUE)
    )
    if first is None or last is None:
        return False
    return bool(first <= now or last > now + buffer.max_age + CLOCK_SLACK)


def count_new(connection: Connection, buffer: Buffer) -> Buffer:
    """Add what came since the last count, up to one batch's worth."""
    came = (
        select(deliveries.c.event_seq, deliveries.c.state, deliveries.c.due_at)
        .where(deliveries.c.webhook_pk == buffer.webhook_pk, deliveries.c.event_seq > buffer.counted_seq)
        .order_by(deliveries.c.event_seq)
        .limit(buffer.max_events)
    )
    return _add(connection, buffer, came)


def count_again(connection: Connection, buffer: Buffer) -> Buffer:
    """Count what a closing left behind, up to one batch's worth."""
    left_behind = waiting(buffer.webhook_pk, buffer.max_events)
    return _add(connection, replace(buffer, events=0, bytes=0), left_behind)


def waiting(webhook_pk: int, up_to: int) -> Select[tuple[int, int, int]]:
    """The oldest deliveries of a buffer: number, state, due time."""
    # Every due time is above 0. Said as a range, it leads SQLite to the due index; IS NOT NULL left it to walk the
    # webhook's whole history by primary key.
    return (
        select(deliveries.c.event_seq, deliveries.c.state, deliveries.c.due_at)
        .where(
            deliveries.c.webhook_pk == webhook_pk,
            deliveries.c.due_at > 0,
            deliveries.c.state == DeliveryState.PENDING,
        )
        .order_by(deliveries.c.due_at, deliveries.c.event_seq)
        .limit(up_to)
    )


def _add(connection: Connection, buffer: Buffer, rows: Select[tuple[int, int, int]]) -> Buffer:
    found = rows.subquery()
    waits = and_(found.c.state == DeliveryState.PENDING, found.c.due_at.is_not(None))
    last, number, size = connection.execute(
        select(
            func.coalesce(func.max(found.c.event_seq), 0),
            func.coalesce(func.sum(case((waits, 1), else_=0)), 0),
            func.coalesce(func.sum(case((waits, event_size(found.c.event_seq)), else_=0)), 0),
        )
    ).one()
    counted = replace(
        buffer,
        counted_seq=max(buffer.counted_seq, int(last)),
        events=buffer.events + int(number),
        bytes=buffer.bytes + int(size),
    )
    _keep(connection, counted)
    return counted


def _keep(connection: Connection, buffer: Buffer) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    numbers = {"counted_seq": buffer.counted_seq, "events": buffer.events, "bytes": buffer.bytes}
    connection.execute(
        dialect.insert(buffers)
        .values(webhook_pk=buffer.webhook_pk, **numbers)
        .on_conflict_do_update(index_elements=["webhook_pk"], set_=numbers)
    )
