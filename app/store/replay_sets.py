"""Which rows a replay means: counted, taken a step at a time in ledger order, and made due.

Each query goes through one range of one index, whose length the caller bounds, and looks the other table up row by
row. It asks with scalar sub-queries, which a planner cannot turn around: given a join and outdated statistics,
PostgreSQL would compare every event with every delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, literal, or_, select, update

from app.core.clock import Micros
from app.core.states import AttemptCause, DeliveryState
from app.store.accepted import DELIVERY_COLUMNS, SKIPPED_COLUMNS
from app.store.accounts import raise_accounts
from app.store.bulk import bulk_insert
from app.store.last_status import last_answer_is
from app.store.replays import Selection
from app.store.tables import IS_CHANGE, counters, deliveries, events

REPEATABLE = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.PARKED)
"""What a redelivery means that names no state. Skipped ones were refused by a rule: they must be named."""
_IN_TROUBLE = (DeliveryState.FAILED, DeliveryState.PARKED)
AGAIN = {"state": DeliveryState.PENDING, "tries": 0, "losses": 0, "reason": None, "batch_pk": None}
"""How a delivery begins anew. It leaves its batch: redelivered, it is a message of its own or a member of a new one."""
CHUNK = 500
"""Keys per statement; well under SQLite's bound on variables."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which events a webhook is owed by its present routing.

    ``context_id`` and ``event_types`` None = any; RADIUS records are owed to nobody.
    """

    organization_id: str
    context_id: str | None
    event_types: frozenset[str] | None
    muted_contexts: frozenset[str] = frozenset()


def ledger_end(connection: Connection) -> int:
    """The newest event's number."""
    return int(connection.execute(select(counters.c.value).where(counters.c.name == "event_seq")).scalar_one())


def ledger_window(
    connection: Connection, organization_id: str, since: Micros, until: Micros, last_seq: int
) -> tuple[int, int] | None:
    """First and last number, up to ``last_seq``, of an organization's changes received in a time; None = there is none.

    Clocks may be set back, so the numbers between may hold events of another time.
    """
    # The count keeps PostgreSQL from looking for each end by walking the organization's whole ledger.
    statement = select(func.count(), func.min(events.c.seq), func.max(events.c.seq)).where(
        events.c.organization_id == organization_id,
        events.c.received_at >= since,
        events.c.received_at < until,
        events.c.seq <= last_seq,
        IS_CHANGE,
    )
    count, first, last = connection.execute(statement).one()
    return (first, last) if count else None


def count_rows(connection: Connection, rows: Select[int], up_to: int) -> int:
    """How many rows a selection has, counted to ``up_to``."""
    bounded = rows.order_by(None).limit(up_to).subquery()
    return int(connection.execute(select(func.count()).select_from(bounded)).scalar_one())


def next_numbers(connection: Connection, rows: Select[int], limit: int) -> list[int]:
    """The next numbers of a selection."""
    return list(connection.execute(rows.limit(limit)).scalars())


def redeliverable(selection: Selection) -> Select[int]:
    """Numbers of the deliveries to redeliver, in ledger order."""
    meant = [events.c.received_at >= selection.since, events.c.received_at < selection.until]
    if selection.event_type is not None:
        meant.append(events.c.type == selection.event_type)
    event = select(events.c.seq).where(events.c.seq == deliveries.c.event_seq, *meant).correlate(deliveries)
    return (
        select(deliveries.c.event_seq)
        .where(
            deliveries.c.webhook_pk == selection.webhook_pk,
            deliveries.c.event_seq > selection.after_seq,
            deliveries.c.event_seq <= selection.last_seq,
            *_in_states(wanted_states(selection)),
            *_answered(selection),
            event.scalar_subquery().is_not(None),
        )
        .order_by(deliveries.c.event_seq)
    )


def wanted_states(selection: Selection) -> tuple[DeliveryState, ...]:
    """The states a redelivery means: those that the history shows for the same filter, as far as they have ended."""
    if selection.delivery_state is not None:
        return (selection.delivery_state,)
    return _IN_TROUBLE if selection.code is not None and selection.code.leaves_out_delivered else REPEATABLE


def _answered(selection: Selection) -> list[ColumnElement[bool]]:
    return [] if selection.code is None else [last_answer_is(selection.code)]


def _in_states(states: Sequence[DeliveryState]) -> list[ColumnElement[bool]]:
    if len(states) > 1 or states[0] <= DeliveryState.DELIVERED:
        return [deliveries.c.state.in_(states)]
    # The index's own condition, word for word: with a parameter it would not be recognised.
    ended_badly = deliveries.c.state > literal(int(DeliveryState.DELIVERED), literal_execute=True)
    return [deliveries.c.state == states[0], ended_badly]


def backfillable(selection: Selection, reach: Reach) -> Select[int]:
    """Numbers of the events within reach that a webhook has no delivery of, in ledger order."""
    owed = (
        select(deliveries.c.event_seq)
        .where(deliveries.c.webhook_pk == selection.webhook_pk, deliveries.c.event_seq == events.c.seq)
        .correlate(events)
    )
    wanted = [
        events.c.organization_id == reach.organization_id,
        events.c.seq > selection.after_seq,
        events.c.seq <= selection.last_seq,
        events.c.received_at >= selection.since,
        events.c.received_at < selection.until,
        IS_CHANGE,
        owed.scalar_subquery().is_(None),
    ]
    if reach.context_id is not None:
        wanted.append(events.c.context_id == reach.context_id)
    if reach.muted_contexts:
        muted = events.c.context_id.in_(sorted(reach.muted_contexts))
        wanted.append(or_(events.c.context_id.is_(None), ~muted))
    if reach.event_types is not None:
        wanted.append(events.c.type.in_(sorted(reach.event_types)))
    return select(events.c.seq).where(*wanted).order_by(events.c.seq)


def make_due_again(connection: Connection, selection: Selection, numbers: Sequence[int], due_at: Micros) -> int:
    """Make finished deliveries due; answers how many still were in a state, and had an answer, that is meant."""
    made = 0
    for start in range(0, len(numbers), CHUNK):
        made += connection.execute(
            update(deliveries)
            .where(
                deliveries.c.webhook_pk == selection.webhook_pk,
                deliveries.c.event_seq.in_(numbers[start : start + CHUNK]),
                deliveries.c.state.in_(wanted_states(selection)),
                *_answered(selection),
            )
            .values(AGAIN | {"due_at": due_at, "cause": AttemptCause.REPLAY})
        ).rowcount
    return made


def make_deliveries(
    connection: Connection, webhook_pk: int, numbers: Sequence[int], due_at: Micros, skips: Mapping[int, str]
) -> int:
    """Write deliveries of these events, due or, where ``skips`` holds a reason, skipped; answers how many were new."""
    backfill = (DeliveryState.PENDING, due_at, 0, 0, AttemptCause.BACKFILL)
    due = [(webhook_pk, number, *backfill) for number in numbers if number not in skips]
    skipped = [(webhook_pk, number, DeliveryState.SKIPPED, 0, 0, why) for number, why in skips.items()]
    made = bulk_insert(connection, deliveries, (*DELIVERY_COLUMNS, "cause"), due, skip_existing=True)
    made += bulk_insert(connection, deliveries, SKIPPED_COLUMNS, skipped, skip_existing=True)
    raise_accounts(connection, {webhook_pk: made})
    return made


def bodies(connection: Connection, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Numbers and canonical JSON of these events."""
    found: list[tuple[int, bytes]] = []
    for start in range(0, len(numbers), CHUNK):
        wanted = events.c.seq.in_(numbers[start : start + CHUNK])
        found.extend(
            (row.seq, row.body) for row in connection.execute(select(events.c.seq, events.c.body).where(wanted))
        )
    return found


def due_count(connection: Connection, webhook_pk: int, now: Micros, up_to: int) -> int:
    """How many deliveries of a webhook wait for their turn, counted to ``up_to``."""
    waiting = (
        select(deliveries.c.event_seq)
        .where(deliveries.c.webhook_pk == webhook_pk, deliveries.c.due_at > 0, deliveries.c.due_at <= now)
        .limit(up_to)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(waiting)).scalar_one())
