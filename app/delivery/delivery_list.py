"""Lists of deliveries: of one webhook, of all in a scope, of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, func, select

from app.core.clock import Micros
from app.core.states import AttemptCause, DeliveryState
from app.core.whole_numbers import HIGHEST
from app.delivery.delivery_keys import Owner
from app.delivery.delivery_walk import SCAN_LIMIT, DeliveryFilter, DeliveryWalk
from app.security.scope import Scope
from app.store.spans import CLOCKS
from app.store.tables import attempts, batches, deliveries, events, exchanges, webhook_health, webhooks

ACROSS = 200
"""Webhooks whose deliveries one list can hold."""
LEAST_SHARE = 500
"""Deliveries of each webhook looked at for a page across many of them."""
EVERYTHING = DeliveryFilter()
Cursor = tuple[int, str]
"""The event number and the webhook of the last delivery of a page across webhooks."""
PlaceT = TypeVar("PlaceT", int, Cursor)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery in a list. ``webhook_id`` and ``event_seq`` make its public id."""

    webhook_id: str
    event_seq: int
    event_id: str
    event_type: str
    state: DeliveryState
    attempt_count: int
    next_attempt_at: Micros | None
    batch_id: str | None
    reason: str | None
    received_at: Micros
    next_attempt_cause: AttemptCause | None
    """Why the next attempt is made; None = none is planned."""
    is_stopped: bool = False
    """Its webhook is paused or disabled: nothing leaves before that is resumed."""


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """The latest attempt of a delivery, for a list. ``status`` None = no HTTP answer came."""

    status: int | None
    error_class: str | None
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class DeliveryPage(Generic[PlaceT]):
    """A page of a list.

    Args:
        rows: newest first.
        following: where the next page begins, None = this was the last.
        looked_back_to: the page is short although more may follow: so many deliveries were looked at that the search
            ended at those received then. None = it is not.
    """

    rows: list[DeliveryRow]
    following: PlaceT | None
    looked_back_to: Micros | None = None


ROWS = (
    select(
        webhooks.c.id.label("webhook_id"),
        deliveries.c.event_seq,
        events.c.id.label("event_id"),
        events.c.type.label("event_type"),
        deliveries.c.state,
        deliveries.c.attempt_count,
        func.coalesce(deliveries.c.due_at, batches.c.due_at).label("due_at"),
        batches.c.id.label("batch_id"),
        deliveries.c.reason,
        deliveries.c.cause,
        events.c.received_at,
        webhook_health.c.held_until,
        webhooks.c.state.label("webhook_state"),
    )
    .join(webhooks, webhooks.c.pk == deliveries.c.webhook_pk)
    .join(events, events.c.seq == deliveries.c.event_seq)
    .outerjoin(batches, batches.c.pk == deliveries.c.batch_pk)
    .outerjoin(webhook_health, webhook_health.c.webhook_pk == deliveries.c.webhook_pk)
)
"""What :func:`read_row` reads, for conditions on any of these tables."""


def list_deliveries(
    connection: Connection,
    webhook_id: str,
    scope: Scope,
    *,
    limit: int,
    before_seq: int | None = None,
    wanted: DeliveryFilter = EVERYTHING,
) -> DeliveryPage[int]:
    """Deliveries of one webhook, newest first; ``before_seq`` is where an earlier page says that the next begins."""
    found = _owners(connection, scope, webhooks.c.id == webhook_id)
    if not found:
        return DeliveryPage([], None)
    stretch = DeliveryWalk(connection, wanted, SCAN_LIMIT).of(found[0], before_seq, limit + 1)
    shown = [(number, webhook_id) for number in stretch.numbers[:limit]]
    rows = _rows(connection, found, shown)
    if len(stretch.numbers) > limit:
        return DeliveryPage(rows, shown[-1][0])
    return DeliveryPage(rows, stretch.reached, _received_at(connection, stretch.reached))


def list_across(
    connection: Connection,
    scope: Scope,
    *,
    limit: int,
    before: Cursor | None = None,
    wanted: DeliveryFilter = EVERYTHING,
) -> DeliveryPage[Cursor]:
    """Deliveries of every webhook in scope, newest first; ``before`` is where the next page of an earlier one begins.

    Each webhook gives its newest ones from its own index, and the newest of them all are answered: what a page costs
    depends on the number of webhooks (at most :data:`ACROSS`, the newest), never on that of deliveries.
    """
    owners = _owners(connection, scope, webhooks.c.deleted_at.is_(None))
    walk = DeliveryWalk(connection, wanted, max(LEAST_SHARE, SCAN_LIMIT // max(1, len(owners))))
    found: list[Cursor] = []
    reached = 0
    for owner in owners:
        below = None if before is None else min(before[0] + (owner.id > before[1]), HIGHEST)
        stretch = walk.of(owner, below, limit + 1)
        found += [(number, owner.id) for number in stretch.numbers]
        reached = max(reached, stretch.reached or 0)
    newest = sorted((one for one in found if one[0] >= reached), key=lambda one: (-one[0], one[1]))
    rows = _rows(connection, owners, newest[:limit])
    if len(newest) > limit:
        return DeliveryPage(rows, newest[limit - 1])
    return DeliveryPage(rows, (reached - 1, "") if reached else None, _received_at(connection, reached))


def _owners(connection: Connection, scope: Scope, which: ColumnElement[bool]) -> list[Owner]:
    mine = select(webhooks.c.pk, webhooks.c.id, webhooks.c.organization_id).where(*scope.within(webhooks), which)
    return [Owner(*row) for row in connection.execute(mine.order_by(webhooks.c.pk.desc()).limit(ACROSS))]


def _rows(connection: Connection, owners: Iterable[Owner], shown: Sequence[Cursor]) -> list[DeliveryRow]:
    """These deliveries, in this order."""
    numbers: dict[str, list[int]] = {}
    for number, webhook_id in shown:
        numbers.setdefault(webhook_id, []).append(number)
    found: dict[Cursor, DeliveryRow] = {}
    for owner in owners:
        if owner.id in numbers:
            these = ROWS.where(deliveries.c.webhook_pk == owner.pk, deliveries.c.event_seq.in_(numbers[owner.id]))
            found.update(((row.event_seq, owner.id), read_row(row)) for row in connection.execute(these))
    return [found[one] for one in shown if one in found]


def _received_at(connection: Connection, reached: int | None) -> Micros | None:
    """When the event came behind which was not looked any more; None = the end was reached."""
    if not reached:
        return None
    return connection.execute(select(events.c.received_at).where(events.c.seq == reached - 1)).scalar_one_or_none()


def first_received(connection: Connection, webhook_id: str, scope: Scope) -> Micros | None:
    """A moment before which none of a webhook's deliveries was received; None = it has none in this scope."""
    mine = select(webhooks.c.pk).where(*scope.within(webhooks), webhooks.c.id == webhook_id).scalar_subquery()
    oldest = select(func.min(deliveries.c.event_seq)).where(deliveries.c.webhook_pk == mine).scalar_subquery()
    found = connection.execute(select(events.c.received_at).where(events.c.seq == oldest)).scalar_one_or_none()
    return None if found is None else found - CLOCKS


def last_attempts(connection: Connection, rows: Sequence[DeliveryRow]) -> dict[tuple[str, int], LastAttempt]:
    """The latest attempt of each of these deliveries of one page, by webhook and event number."""
    found: dict[tuple[str, int], LastAttempt] = {}
    of_webhook: dict[str, list[DeliveryRow]] = {}
    for row in rows:
        if row.attempt_count:
            of_webhook.setdefault(row.webhook_id, []).append(row)
    for webhook_id, mine in of_webhook.items():
        numbers = [row.event_seq for row in mine]
        statement = (
            select(attempts.c.event_seq, attempts.c.status, attempts.c.error_class, exchanges.c.total_us)
            .join(webhooks, webhooks.c.pk == attempts.c.webhook_pk)
            .outerjoin(exchanges, exchanges.c.id == attempts.c.exchange_id)
            .where(webhooks.c.id == webhook_id, attempts.c.event_seq.in_(numbers))
            .order_by(attempts.c.event_seq, attempts.c.n)
        )
        for one in connection.execute(statement):
            found[webhook_id, one.event_seq] = LastAttempt(one.status, one.error_class, one.total_us)
    return found


def batch_members(connection: Connection, batch_pk: int, *, limit: int, after_seq: int) -> list[DeliveryRow]:
    """The members of one batch, in ledger order. The caller has found the batch within its scope."""
    statement = ROWS.where(deliveries.c.batch_pk == batch_pk, deliveries.c.event_seq > after_seq)
    return [read_row(row) for row in connection.execute(statement.order_by(deliveries.c.event_seq).limit(limit))]


def read_row(row: Any) -> DeliveryRow:
    """A row of :data:`ROWS`."""
    state = DeliveryState(row.state)
    due = None
    if state is DeliveryState.PENDING and row.due_at is not None:
        # What is due at once could be sent since it was received, unless its webhook is held back.
        due = max(row.due_at, row.received_at, row.held_until or 0)
    return DeliveryRow(
        row.webhook_id,
        row.event_seq,
        row.event_id,
        row.event_type,
        state,
        row.attempt_count,
        due,
        row.batch_id,
        row.reason,
        row.received_at,
        None if due is None else AttemptCause(row.cause),
        row.webhook_state != "enabled",
    )
