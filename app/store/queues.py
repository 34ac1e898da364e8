"""How much waits where, for whoever runs the installation: bounded numbers by partition, and nothing of any tenant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from app.core.clock import SECOND, Micros
from app.core.partitions import PARTITIONS
from app.core.receiver_health import FAILING_AFTER, Condition
from app.core.states import Mode
from app.store.claim import DELIVERY_LEASE
from app.store.tables import batches, deliveries, leases, partitions, webhook_health, webhooks

BUDGET = 100_000
"""Entries of an index that each kind of number may cost in all, an equal share for each webhook that is owed any."""
MOST, LEAST = 10_000, 20
"""The most and the least that one webhook is counted up to."""
_CLOCKS: Micros = 5 * SECOND
"""How far the clock of the engine that claimed may be ahead of ours."""


class Tally(NamedTuple):
    """How many there are; ``is_least`` when counting stopped before the end."""

    number: int = 0
    is_least: bool = False

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.number + other.number, self.is_least or other.is_least)


@dataclass(slots=True)
class PartitionQueue:
    """What one partition holds: deliveries, and closed batches, each of which counts as one.

    Args:
        number: of the partition.
        due: could go out now.
        in_flight: claimed by an engine.
        planned: wait for the time of their next try.
        buffered: wait for the next batch of their webhook.
        held: would be due, or are planned, and their webhook may not send.
        engine: the fencing token of its holder, 0 = nobody.
        lease_until: when the holder's lease ends.
    """

    number: int
    due: Tally = field(default_factory=Tally)
    in_flight: Tally = field(default_factory=Tally)
    planned: Tally = field(default_factory=Tally)
    buffered: Tally = field(default_factory=Tally)
    held: Tally = field(default_factory=Tally)
    engine: int = 0
    lease_until: Micros = 0


_NOW: ColumnElement[Micros] = bindparam("now")
_SOON: ColumnElement[Micros] = bindparam("soon")
_CAP: ColumnElement[int] = bindparam("cap", type_=BigInteger)
_OWED = and_(
    webhooks.c.deleted_at.is_(None),
    or_(
        *(
            select(table.c.due_at)
            .where(table.c.webhook_pk == webhooks.c.pk, table.c.due_at > 0)
            .order_by(table.c.due_at)
            .limit(1)
            .correlate(webhooks)
            .scalar_subquery()
            .is_not(None)
            for table in (deliveries, batches)
        )
    ),
)
"""Webhooks with anything that is due some time: the first step into each of two indexes tells."""
_OWING = select(func.count()).select_from(webhooks).where(_OWED)


def _capped(table: Table, counted: Any, *when: Any) -> ScalarSelect[int]:
    """How many of a webhook's rows are due then, counted from the latest one as far as the cap."""
    rows = (
        select(counted.label("one"))
        .where(table.c.webhook_pk == webhooks.c.pk, *when)
        .order_by(table.c.due_at.desc())
        .limit(_CAP)
        .correlate(webhooks)
        .subquery()
    )
    return select(func.count(rows.c.one)).scalar_subquery()


def _numbers(table: Table) -> Iterable[ScalarSelect[int]]:
    """Due by now, due later, and those of them that somebody has claimed: only these need a look at the rows."""
    due_at = table.c.due_at
    yield _capped(table, due_at, due_at <= _NOW)
    yield _capped(table, due_at, due_at > _NOW)
    yield _capped(table, table.c.lease_token, due_at > _NOW, due_at <= _SOON)


_MAY_SEND = and_(
    webhooks.c.state == "enabled", or_(webhook_health.c.held_until.is_(None), webhook_health.c.held_until <= _NOW)
)
_WITH_HEALTH = webhooks.outerjoin(webhook_health, webhook_health.c.webhook_pk == webhooks.c.pk)
_BY_WEBHOOK = (
    select(
        webhooks.c.partition,
        webhooks.c.mode,
        webhooks.c.state == "enabled",
        case((_MAY_SEND, 1), else_=0),
        *_numbers(deliveries),
        *_numbers(batches),
    )
    .select_from(_WITH_HEALTH)
    .where(_OWED)
)
_CONDITION = case(
    (webhooks.c.state != "enabled", webhooks.c.state),
    (webhook_health.c.throttled, Condition.THROTTLED.value),
    (webhook_health.c.failures >= FAILING_AFTER, Condition.FAILING.value),
    (webhook_health.c.misses > 0, Condition.UNSTEADY.value),
    else_=Condition.HEALTHY.value,
)
_CONDITIONS = (
    select(_CONDITION, func.count())
    .select_from(_WITH_HEALTH)
    .where(webhooks.c.deleted_at.is_(None))
    .group_by(_CONDITION)
)


def read_queues(connection: Connection, now: Micros) -> list[PartitionQueue]:
    """What each partition holds, in the order of their numbers; the cost has a bound, however long the backlog is."""
    found = [PartitionQueue(number) for number in range(PARTITIONS)]
    for number, token, until in connection.execute(
        select(partitions.c.id, partitions.c.token, partitions.c.lease_until).where(partitions.c.id < PARTITIONS)
    ):
        found[number].engine, found[number].lease_until = token, until
    owing = connection.execute(_OWING).scalar_one()
    cap = max(LEAST, min(MOST, BUDGET // max(owing, 1)))
    asked = {"now": now, "soon": now + DELIVERY_LEASE + _CLOCKS, "cap": cap}
    for number, mode, is_enabled, may_send, *numbers in connection.execute(_BY_WEBHOOK, asked):
        queue = found[number]
        singles, closed = (_Numbers(*three) for three in (numbers[:3], numbers[3:]))
        in_flight = singles.in_flight(cap).plus(closed.in_flight(cap))
        due = singles.due(cap).plus(closed.due(cap))
        planned, buffered = closed.planned(cap), Tally()
        if mode == Mode.BATCH:
            buffered = singles.planned(cap)
        else:
            planned = planned.plus(singles.planned(cap))
        held = (due if not may_send else Tally()).plus(planned if not is_enabled else Tally())
        queue.in_flight = queue.in_flight.plus(in_flight)
        queue.buffered = queue.buffered.plus(buffered)
        queue.held = queue.held.plus(held)
        queue.due = queue.due.plus(due) if may_send else queue.due
        queue.planned = queue.planned.plus(planned) if is_enabled else queue.planned
    return found


class _Numbers(NamedTuple):
    """What was counted of one webhook, each number as far as the cap."""

    by_now: int
    later: int
    claimed: int

    def due(self, cap: int) -> Tally:
        return Tally(self.by_now, self.by_now >= cap)

    def planned(self, cap: int) -> Tally:
        return Tally(self.later - self.claimed, self.later >= cap)

    def in_flight(self, cap: int) -> Tally:
        # Where more is due later than was counted, claimed rows may be among what was not looked at.
        return Tally(self.claimed, self.claimed > 0 and self.later >= cap)


def webhook_conditions(connection: Connection) -> dict[str, int]:
    """How many webhooks there are, by their state, and those that are enabled by the condition of their receiver."""
    return {str(condition): int(number) for condition, number in connection.execute(_CONDITIONS)}


def tick_until(connection: Connection) -> Micros | None:
    """Until when the tick at work has its lease, which it renews each second; None = there never was one."""
    return connection.execute(select(leases.c.until).where(leases.c.name == "tick")).scalar_one_or_none()
