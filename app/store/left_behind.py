"""What a deleted webhook leaves behind: deliveries that nobody will look at again, skipped a bounded number at a time.

One statement over a long backlog would keep every other writer of SQLite waiting for seconds, and would lock rows of
PostgreSQL in the opposite order of a drain.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, literal_column, or_, select, update

from app.core.clock import DAY, Micros
from app.core.states import DeliveryState
from app.store.receipts import accepted_left
from app.store.tables import batches, deliveries, webhooks

LEFT_BEHIND: Micros = 7 * DAY
"""For how long after its deletion a webhook's deliveries are looked after."""
CHUNK = 5_000
"""Most deliveries that are skipped in one transaction."""
_BATCHES_PER_LOOK = 10


def skip_left_behind(connection: Connection, now: Micros, reason: str) -> int:
    """Skip some of what deleted webhooks left; answers how many there were, 0 when nothing is left."""
    gone = select(webhooks.c.pk).where(webhooks.c.deleted_at > now - LEFT_BEHIND).order_by(webhooks.c.pk)
    skipped = 0
    for pk in connection.execute(gone).scalars().all():
        skipped += skip_deliveries(connection, pk, now, reason)
        if skipped >= CHUNK:
            break
    return skipped


def skip_deliveries(connection: Connection, webhook_pk: int, now: Micros, reason: str) -> int:
    """Skip up to :data:`CHUNK` unfinished deliveries of a webhook and answer how many; 0 = none are left.

    What a worker has in its hands is left to it until its lease is over.
    """
    of_it = deliveries.c.webhook_pk == webhook_pk
    # The literal lets SQLite see that the index of what ended badly holds them all.
    parked = (of_it, deliveries.c.state == DeliveryState.PARKED, deliveries.c.state > literal_column("2"))
    due = (of_it, deliveries.c.due_at.is_not(None), _is_free(deliveries.c.due_at <= now))
    found = _seqs(connection, due) or _seqs(connection, parked) or _members(connection, webhook_pk, now)
    if not found:
        found = accepted_left(connection, webhook_pk, CHUNK)
        reason = f"{reason}; its receiver had taken it and not confirmed it"
    if found:
        skipped = {"state": DeliveryState.SKIPPED, "due_at": None, "lease_token": None, "reason": reason}
        connection.execute(update(deliveries).where(of_it, deliveries.c.event_seq.in_(found)).values(**skipped))
    return len(found)


def _is_free(lease_is_over: ColumnElement[bool]) -> ColumnElement[bool]:
    pending = deliveries.c.state == DeliveryState.PENDING
    return or_(pending, and_(deliveries.c.state == DeliveryState.SENDING, lease_is_over))


def _seqs(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    locked = select(deliveries.c.event_seq).where(*conditions).limit(CHUNK).with_for_update()
    return connection.execute(locked).scalars().all()


def _members(connection: Connection, webhook_pk: int, now: Micros) -> Sequence[int]:
    """Unfinished members of closed batches that no worker holds; batches without any are nobody's business any more."""
    free = or_(batches.c.lease_token.is_(None), batches.c.due_at <= now)
    open_ones = (batches.c.webhook_pk == webhook_pk, batches.c.due_at.is_not(None), free)
    while pks := connection.execute(select(batches.c.pk).where(*open_ones).limit(_BATCHES_PER_LOOK)).scalars().all():
        unfinished = deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
        if found := _seqs(connection, (deliveries.c.batch_pk.in_(pks), unfinished)):
            return found
        connection.execute(update(batches).where(batches.c.pk.in_(pks)).values(due_at=None, lease_token=None))
    return ()
