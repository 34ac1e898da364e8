"""What must hold after every fault, read from the database, the receiver and the log.

I1 to I9 of the plan; I7 (nothing leaks) is asserted where the processes live long enough to leak.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Row, select

from app.cli.receiver_tally import event_ids
from app.core.ids import delivery_id
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.verdict import MOST_LOSSES
from app.routing.audit_chain import ChainCheck
from app.security.vault import open_vault
from app.store import open_store
from app.store.audit_records import audited_organizations
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
    """Events in the requests that the receiver read, each time they were in one."""
    duplicates: int
    """Those that came again although an answer had not asked for it."""
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
        received: every request that any receiver read, in the order of reading; the path is the webhook's id.
        acknowledged: ids of all events that were answered with 200.
        in_order: ids of webhooks whose first attempts must come in ledger order.
        secrets: texts that no log may hold, besides the platform key.
    """
    read = [(one, one.line.split(" ")[1].strip("/"), event_ids(one.body)) for one in received]
    with closing(open_store(place.database_url, pool_size=1)) as store, store.snapshot() as connection:
        ledger = read_ledger(connection)
        numbers = {row.id: row.seq for row in connection.execute(select(events.c.id, events.c.seq))}
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
    pks = {row.id: row.pk for row in owed}
    copies = Counter((pks[webhook_id], numbers[event_id]) for _, webhook_id, ids in read for event_id in ids)
    # I1: the ledger balances.
    assert ledger.balanced, ledger
    # I2: whatever was acknowledged is there; whatever is delivered was read by the receiver.
    assert not set(acknowledged) - set(numbers), "acknowledged events are missing from the database"
    delivered = {(row.pk, row.event_seq) for row in owed if row.state == DeliveryState.DELIVERED}
    assert not [key for key in delivered if not copies[key]], "delivered, but never received"
    assert not set(copies) - {(row.pk, row.event_seq) for row in owed}, "the receiver read what nobody owes"
    # I4: nothing is left in flight, and every attempt has its row.
    assert not [row for row in owed if row.state not in FINAL or row.lease_token is not None]
    rows = Counter((row.webhook_pk, row.event_seq) for row in tried)
    uncounted = [(row, rows[row.pk, row.event_seq]) for row in owed if row.attempt_count != rows[row.pk, row.event_seq]]
    assert not uncounted, f"another number of attempts than rows: {uncounted[:5]}"
    _check_chains(place)
    unknown = Counter((row.webhook_pk, row.event_seq) for row in tried if row.outcome == AttemptOutcome.UNKNOWN)
    lost = {key: unknown[pks[key[0]], numbers[key[1]]] for key in {(hook, one) for _, hook, ids in read for one in ids}}
    check_message_ids(read, numbers, lost)
    duplicates = _check_copies(copies, tried)
    _check_order(read, numbers, in_order)
    _check_secrets(place, secrets)
    possible = sum(row.outcome == AttemptOutcome.UNKNOWN for row in tried)
    return Account(len(numbers), len(owed), copies.total(), duplicates, possible)


def _check_chains(place: Installation) -> None:
    """I5: the record of our own changes is as it was written."""
    vault = open_vault(place.instance, place.environ.get("RELAYPOINT_SECRET_KEYS"))
    with closing(open_store(place.database_url, pool_size=1)) as store, store.snapshot() as connection:
        for organization in audited_organizations(connection):
            chain = ChainCheck(connection, vault, organization, kept_since=0)
            assert sum(chain) > 0, f"nobody wrote down what was changed of {organization}"
            assert chain.broken is None


Read = Sequence[tuple[Received, str, list[str]]]
"""Requests, the id of the webhook they came through, and the ids of the events they carried."""


Lost = Mapping[tuple[str, str], int]
"""Attempts of which nobody knows the end, by the id of the webhook and of the event."""


def check_message_ids(read: Read, numbers: Mapping[str, int], lost: Lost) -> None:
    """I3: whatever comes again comes under the message id that it had, which never carries anything else.

    Only a batch that holds a suspect, because worker after worker died with it, is taken apart.
    """
    carried: dict[str, list[str]] = {}
    under: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for request, webhook_id, ids in read:
        message_id = request.headers["webhook-id"]
        if message_id.startswith("dlv_"):
            assert message_id == delivery_id(webhook_id, numbers[ids[0]]), f"the id of another delivery: {message_id}"
        assert carried.setdefault(message_id, ids) == ids, f"other events under the id {message_id}"
        for event_id in ids:
            under[webhook_id, event_id].add(message_id)
    suspected = {_batch(one) for key, ids in under.items() if lost.get(key, 0) >= MOST_LOSSES for one in ids}
    for ids in under.values():
        batches = {_batch(one) for one in ids}
        assert len(ids) == 1 or (len(batches) == 1 and batches <= suspected), f"another id for the same event: {ids}"


def _batch(message_id: str) -> str:
    """The batch that a message is, or is a part of."""
    return message_id.partition("-")[0]


def _check_copies(copies: Counter[tuple[int, int]], tried: Sequence[Row[tuple[int, int, int, int | None]]]) -> int:
    """I3 and I9: no copy without an attempt that may have sent it; answers the copies that nobody wanted."""
    may_have_sent: Counter[tuple[int, int]] = Counter()
    sent: Counter[tuple[int, int]] = Counter()
    for row in tried:
        key = (row.webhook_pk, row.event_seq)
        answered = row.exchange_id is not None and row.outcome not in {AttemptOutcome.UNKNOWN, AttemptOutcome.BLOCKED}
        sent[key] += answered
        may_have_sent[key] += answered or row.outcome == AttemptOutcome.UNKNOWN
    hidden = {key: number for key, number in copies.items() if number > may_have_sent[key]}
    assert not hidden, f"more copies than attempts: {hidden}"
    return sum(max(0, number - max(1, sent[key])) for key, number in copies.items())


def _check_order(read: Read, numbers: Mapping[str, int], in_order: Collection[str]) -> None:
    """I6: first attempts in ledger order."""
    for webhook_id in in_order:
        first = dict.fromkeys(
            numbers[event_id] for _, through, ids in read if through == webhook_id for event_id in ids
        )
        assert list(first) == sorted(first), f"{webhook_id} out of order"


def _check_secrets(place: Installation, secrets: Collection[str]) -> None:
    """I8: no secret in a log."""
    log = place.whole_log()
    assert not [secret[:8] for secret in (place.key, *secrets) if secret in log], "a secret is in the log"
