"""What became of the last day, hour by hour and webhook by webhook: for lists that show health at a glance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, Integer, Select, and_, cast, func, literal, select, union_all

from app.core.clock import AT_ONCE, HOUR, Micros
from app.core.states import DeliveryState
from app.store.tables import attempts, deliveries, events, webhooks

HOURS = 24
_BAD = frozenset({DeliveryState.FAILED, DeliveryState.PARKED})
_OPEN = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.ACCEPTED})


@dataclass(slots=True)
class HourFigures:
    """Deliveries of the events that were received in one hour; what was skipped is not counted."""

    delivered: int = 0
    failed: int = 0
    pending: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.delivered + self.failed + self.pending


@dataclass(slots=True)
class LastDay:
    """The last day of one webhook, the oldest hour first."""

    hours: list[HourFigures] = field(default_factory=lambda: [HourFigures() for _ in range(HOURS)])
    last_attempt_at: Micros | None = None
    next_attempt_at: Micros | None = None

    @property
    def delivered(self) -> int:
        """Delivered in the whole day."""
        return sum(hour.delivered for hour in self.hours)

    @property
    def failed(self) -> int:
        """Failed or parked in the whole day."""
        return sum(hour.failed for hour in self.hours)

    @property
    def pending(self) -> int:
        """Still on their way."""
        return sum(hour.pending for hour in self.hours)


def last_days(
    connection: Connection, organization_id: str, webhook_ids: Collection[str], now: Micros
) -> dict[str, LastDay]:
    """The last day of these webhooks of one organization. The caller has found them within its scope."""
    mine = (webhooks.c.organization_id == organization_id, webhooks.c.id.in_(webhook_ids))
    ids = {row.pk: row.id for row in connection.execute(select(webhooks.c.pk, webhooks.c.id).where(*mine))}
    found = {webhook_id: LastDay() for webhook_id in ids.values()}
    for hour, pk, state, number in _counts(connection, organization_id, list(ids), now):
        figures = found[ids[pk]].hours[hour]
        if state == DeliveryState.DELIVERED:
            figures.delivered += number
        elif state in _BAD:
            figures.failed += number
        elif state in _OPEN:
            figures.pending += number
    for pk, webhook_id in ids.items():
        found[webhook_id].last_attempt_at = connection.execute(_last_attempt(pk)).scalar_one_or_none()
        found[webhook_id].next_attempt_at = connection.execute(_next_attempt(pk)).scalar_one_or_none()
    return found


def _counts(
    connection: Connection, organization_id: str, pks: list[int], now: Micros
) -> list[tuple[int, int, int, int]]:
    """Hour, webhook, state and number. Hours are ranges of event numbers, so that no event is read."""
    first = [_first_seq(connection, organization_id, now - (HOURS - hour) * HOUR) for hour in range(HOURS)]
    known = [seq for seq in first if seq is not None]
    if not known or not pks:
        return []
    ends = [*first[1:], None]
    ranges = []
    for hour, (low, high) in enumerate(zip(first, ends, strict=True)):
        if low is not None and low != high:
            ranges.append(
                select(
                    cast(literal(hour), Integer).label("hour"),
                    literal(low).label("low"),
                    literal(high if high is not None else _BEHIND_ALL).label("high"),
                )
            )
    hours = union_all(*ranges).subquery()
    inside = and_(deliveries.c.event_seq >= hours.c.low, deliveries.c.event_seq < hours.c.high)
    statement = (
        select(hours.c.hour, deliveries.c.webhook_pk, deliveries.c.state, func.count())
        .select_from(hours.join(deliveries, and_(deliveries.c.webhook_pk.in_(pks), inside)))
        .group_by(hours.c.hour, deliveries.c.webhook_pk, deliveries.c.state)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(statement)]


_BEHIND_ALL = 2**62


def _first_seq(connection: Connection, organization_id: str, since: Micros) -> int | None:
    statement = (
        select(events.c.seq)
        .where(events.c.organization_id == organization_id, events.c.received_at >= since)
        .order_by(events.c.received_at, events.c.seq)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def _last_attempt(webhook_pk: int) -> Select[int]:
    newest = select(attempts.c.started_at).where(attempts.c.webhook_pk == webhook_pk)
    return newest.order_by(attempts.c.event_seq.desc(), attempts.c.n.desc()).limit(1)


def _next_attempt(webhook_pk: int) -> Select[int]:
    waiting = select(deliveries.c.due_at).where(
        deliveries.c.webhook_pk == webhook_pk,
        deliveries.c.due_at > AT_ONCE,
        deliveries.c.state == DeliveryState.PENDING,
    )
    return waiting.order_by(deliveries.c.due_at, deliveries.c.event_seq).limit(1)
