"""What must hold after every fault, read from the database, the receiver and the log.

I1 to I9 of the plan: I5 (a chain of audit records) has no test, for there is no such chain yet; I7 (nothing leaks) is
asserted where the processes live long enough to leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass

import orjson
from sqlalchemy import Row, select

from app.core.ids import delivery_id
from app.core.states import AttemptOutcome, DeliveryState
from app.store import open_store
from app.store.ledger import read_ledger
from app.store.tables import attempts, deliveries, events, webhooks
from tests.faults.installation import Installation
from tests.faults.receivers import Received

FINAL = {DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.PARKED}


@dataclass(frozen=True, slots=True)
class Account:
    """The numbers of a run."""

    accepted: int
    deliveries: int
    copies: int
    """Requests that the receiver read."""
    duplicates: int
    """Requests beyond the first of their delivery."""
    possible: int
    """Attempts of unknown end, each of which may be a duplicate."""


def check(
    place: Installation,
    received: Iterable[Received],
    acknowledged: Collection[str],
    *,
    in_order: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Account:
    """Assert every invariant; answers the numbers.

    Args:
        place: the installation, at rest: everything pending was delivered.
        received: every request that any receiver read, in the order of reading.
        acknowledged: ids of all events that were answered with 200.
        in_order: ids of webhooks whose first attempts must come in ledger order.
        secrets: texts that no log may hold, besides the platform key.
    """
    copies = Counter(one.headers["webhook-id"] for one in received)
    with closing(open_store(place.database_url, pool_size=1)) as store, store.snapshot() as connection:
        ledger = read_ledger(connection)
        stored = set(connection.execute(select(events.c.id)).scalars())
        owed = connection.execute(
            select(
                webhooks.c.id,
                webhooks.c.pk,
                deliveries.c.event_seq,
                deliveries.c.state,
                deliveries.c.attempt_count,
                deliveries.c.lease_token,
            ).join(webhooks, webhooks.c.pk == deliveries.c.webhook_pk)
        ).all()
        tried = connection.execute(
            select(attempts.c.webhook_pk, attempts.c.event_seq, attempts.c.outcome, attempts.c.exchange_id)
        ).all()
    # I1: the ledger balances.
    assert ledger.balanced, ledger
    # I2: whatever was acknowledged is there; whatever is delivered was read by the receiver.
    assert not set(acknowledged) - stored, "acknowledged events are missing from the database"
    names = {(row.pk, row.event_seq): delivery_id(row.id, row.event_seq) for row in owed}
    delivered = {(row.pk, row.event_seq) for row in owed if row.state == DeliveryState.DELIVERED}
    assert not [names[key] for key in delivered if not copies[names[key]]], "delivered, but never received"
    assert set(copies) <= set(names.values()), "the receiver read ids that nobody owes"
    # I4: nothing is left in flight, and every attempt has its row.
    assert not [row for row in owed if row.state not in FINAL or row.lease_token is not None]
    rows = Counter((row.webhook_pk, row.event_seq) for row in tried)
    assert not [row for row in owed if row.attempt_count != rows[row.pk, row.event_seq]]
    duplicates = _check_copies(names, copies, tried)
    _check_order(place, received, in_order)
    _check_secrets(place, secrets)
    possible = sum(row.outcome == AttemptOutcome.UNKNOWN for row in tried)
    return Account(len(stored), len(owed), copies.total(), duplicates, possible)


def _check_copies(
    names: dict[tuple[int, int], str], copies: Counter[str], tried: Iterable[Row[tuple[int, int, int, int | None]]]
) -> int:
    """I3 and I9: no copy without an attempt that may have sent it, and every extra copy was announced as possible."""
    may_have_sent: Counter[tuple[int, int]] = Counter()
    sent: Counter[tuple[int, int]] = Counter()
    for row in tried:
        key = (row.webhook_pk, row.event_seq)
        answered = row.exchange_id is not None and row.outcome not in {AttemptOutcome.UNKNOWN, AttemptOutcome.BLOCKED}
        sent[key] += answered
        may_have_sent[key] += answered or row.outcome == AttemptOutcome.UNKNOWN
    hidden = {name: copies[name] for key, name in names.items() if copies[name] > may_have_sent[key]}
    assert not hidden, f"more copies than attempts: {hidden}"
    return sum(max(0, copies[name] - max(1, sent[key])) for key, name in names.items())


def _check_order(place: Installation, received: Iterable[Received], in_order: Collection[str]) -> None:
    """I6: first attempts in ledger order."""
    for webhook_id in in_order:
        first = dict.fromkeys(
            one.headers["webhook-id"] for one in received if one.headers["webhook-id"].startswith(f"{webhook_id}")
        )
        numbers = [orjson.loads(one.rpartition("_")[2]) for one in first]
        assert numbers == sorted(numbers), f"{webhook_id} out of order"


def _check_secrets(place: Installation, secrets: Collection[str]) -> None:
    """I8: no secret in a log."""
    log = place.whole_log()
    assert not [secret[:8] for secret in (place.key, *secrets) if secret in log], "a secret is in the log"
