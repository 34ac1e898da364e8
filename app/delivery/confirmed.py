"""What was learned about receipts, until the next record writes it down."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from sqlalchemy import Connection

from app.core.clock import AT_ONCE, SECOND, Micros
from app.delivery.lanes import Lane
from app.delivery.receiver_watch import ReceiverWatch
from app.delivery.storable import storable
from app.delivery.verdict import UNCONFIRMED, Jitter, rule_on_expiry
from app.sinks.confirmations import Confirmation
from app.store.receipts import (
    ReceiptRow,
    Unconfirmed,
    accepted_members,
    ask_later,
    confirm,
    forget_receipts,
    make_batch_due,
    settle_unconfirmed,
)
from app.store.traffic import count_unconfirmed

log = logging.getLogger(__name__)

EVENTS_PER_TURN = 5_000
"""Deliveries settled in one transaction; the rest follows with the next: nobody waits long for the write turn."""
_BATCH_BUSY: Micros = 2 * SECOND
"""After so long a batch that is on its way is looked at again."""
_ANY_SINK = Confirmation()
"""How receipts expire whose webhook has a sink now that knows none."""


@dataclass(frozen=True, slots=True)
class Expired:
    """A receipt whose time is over, or that cannot be asked about any more; ``words`` say which."""

    lane: Lane
    row: ReceiptRow
    words: str


@dataclass(slots=True)
class _Written:
    later: int = 0
    confirmed: int = 0
    expired: int = 0


@dataclass(slots=True)
class Findings:
    """What became of receipts. :meth:`write` may be repeated until its transaction is committed.

    Args:
        watch: told of strictly ordered webhooks whose head comes back.
        jitter: for retry times.
    """

    watch: ReceiverWatch
    jitter: Jitter
    later: list[ReceiptRow] = field(default_factory=list)
    """To be asked about again, with the time and the trouble."""
    confirmed: list[tuple[ReceiptRow, str]] = field(default_factory=list)
    """With words for history."""
    expired: list[Expired] = field(default_factory=list)
    _written: _Written = field(default_factory=_Written)

    def __bool__(self) -> bool:
        return bool(self.later or self.confirmed or self.expired)

    def concern(self, webhook_pk: int) -> bool:
        """Whether something about a webhook's receipts did not go into the last record, and follows with the next."""
        left = [row for row, _ in self.confirmed[self._written.confirmed :]]
        left += [one.row for one in self.expired[self._written.expired :]]
        return any(row.webhook_pk == webhook_pk for row in left)

    def write(self, connection: Connection, now: Micros) -> None:
        """Write down as much as one transaction should hold."""
        if not self:
            return
        confirmed = self.confirmed[: _fitting(row for row, _ in self.confirmed)]
        expired = self.expired[: _fitting(one.row for one in self.expired)]
        ask_later(connection, self.later)
        confirm(connection, confirmed)
        for one in sorted(expired, key=lambda one: one.row[1:3]):
            self._expire(connection, one, now)
        self._written = _Written(len(self.later), len(confirmed), len(expired))

    def committed(self) -> None:
        """What was written need not be kept."""
        done, self._written = self._written, _Written()
        for webhook, number in Counter(one.lane.runtime.id for one in self.expired[: done.expired]).items():
            log.warning("receipts expired", extra={"webhook": webhook, "receipts": number})
        del self.later[: done.later]
        del self.confirmed[: done.confirmed]
        del self.expired[: done.expired]

    def _expire(self, connection: Connection, expired: Expired, now: Micros) -> None:
        """The deliveries of one receipt go on as the webhook's policy says; a batch takes its members back."""
        row, runtime = expired.row, expired.lane.runtime
        policy = runtime.confirmation or _ANY_SINK
        members = accepted_members(connection, row)
        words = storable(expired.words) or ""
        rulings = [
            rule_on_expiry(policy.on_expiry, words, member.tries, runtime.schedule, now, self.jitter)
            for member in members
        ]
        due_at = max((ruling.due_at for ruling in rulings if ruling.due_at is not None), default=None)
        if due_at is not None:
            if runtime.head_blocks:
                self.watch.hold_for_head(expired.lane, due_at)
                due_at = AT_ONCE
            if row.batch_pk is not None and not make_batch_due(connection, row.batch_pk, due_at):
                ask_later(connection, [row._replace(poll_at=now + _BATCH_BUSY)])
                return
        settled = []
        for member, ruling in zip(members, rulings, strict=True):
            again_at = None if row.batch_pk is not None or ruling.due_at is None else ruling.due_at
            settled.append(
                Unconfirmed(
                    row.webhook_pk,
                    member.event_seq,
                    member.attempt,
                    ruling.state,
                    AT_ONCE if again_at is not None and runtime.head_blocks else again_at,
                    words,
                    ruling.outcome,
                    ruling.error_class or UNCONFIRMED,
                    words,
                )
            )
        settle_unconfirmed(connection, settled)
        count_unconfirmed(connection, row.webhook_pk, (one.state for one in settled), now)
        forget_receipts(connection, [row])


def _fitting(rows: Iterable[ReceiptRow]) -> int:
    """How many of these receipts go into one transaction, at least one."""
    sizes = accumulate(min(row.last_seq - row.first_seq + 1, EVENTS_PER_TURN) for row in rows)
    return max(1, sum(1 for size in sizes if size <= EVENTS_PER_TURN))
