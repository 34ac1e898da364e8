"""The ledger: every number reconciled, read in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Select, func, select

from app.core.states import AttemptOutcome, DeliveryState
from app.store.tables import attempts, deliveries, events, webhooks


@dataclass(frozen=True, slots=True)
class WebhookLedger:
    """The account of one webhook. *sending* counts as pending here: nothing has been proved yet."""

    webhook_id: str
    name: str
    matched: int = 0
    delivered: int = 0
    pending: int = 0
    failed: int = 0
    skipped: int = 0
    parked: int = 0
    duplicates_possible: int = 0

    @property
    def difference(self) -> int:
        """Matched less what became of it; anything but 0 is a lost or invented delivery."""
        return self.matched - self.delivered - self.pending - self.failed - self.skipped - self.parked


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole account. ``owed`` was written with the events, ``matched`` counts the delivery rows there are."""

    accepted: int
    owed: int
    webhooks: tuple[WebhookLedger, ...] = field(default=())

    def total(self, name: str) -> int:
        """The sum of one column over all webhooks."""
        return sum(int(getattr(webhook, name)) for webhook in self.webhooks)

    @property
    def balanced(self) -> bool:
        """Whether every owed delivery is accounted for, in all and per webhook."""
        return self.owed == self.total("matched") and not any(webhook.difference for webhook in self.webhooks)


_COLUMN = {
    DeliveryState.PENDING: "pending",
    DeliveryState.SENDING: "pending",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.PARKED: "parked",
}


def read_ledger(connection: Connection, organization_id: str | None = None) -> Ledger:
    """The ledger of one organization or of all. The caller's transaction must be one snapshot."""
    of_events: Sequence[ColumnElement[bool]] = ()
    of_webhooks: Sequence[ColumnElement[bool]] = ()
    if organization_id is not None:
        of_events = (events.c.organization_id == organization_id,)
        of_webhooks = (webhooks.c.organization_id == organization_id,)
    accepted, owed = connection.execute(
        select(func.count(), func.coalesce(func.sum(events.c.owed), 0)).select_from(events).where(*of_events)
    ).one()
    accounts = {
        row.pk: {"webhook_id": row.id, "name": row.name}
        for row in connection.execute(select(webhooks.c.pk, webhooks.c.id, webhooks.c.name).where(*of_webhooks))
    }
    counts: dict[int, dict[str, int]] = {pk: {} for pk in accounts}
    by_state = select(deliveries.c.webhook_pk, deliveries.c.state, func.count()).group_by(
        deliveries.c.webhook_pk, deliveries.c.state
    )
    for pk, state, number in connection.execute(by_state.where(deliveries.c.webhook_pk.in_(_pks(of_webhooks)))):
        account = counts[pk]
        account["matched"] = account.get("matched", 0) + number
        column = _COLUMN[DeliveryState(state)]
        account[column] = account.get(column, 0) + number
    unknown = (
        select(attempts.c.webhook_pk, func.count())
        .where(attempts.c.outcome == AttemptOutcome.UNKNOWN, attempts.c.webhook_pk.in_(_pks(of_webhooks)))
        .group_by(attempts.c.webhook_pk)
    )
    for pk, number in connection.execute(unknown):
        counts[pk]["duplicates_possible"] = number
    rows = tuple(
        WebhookLedger(account["webhook_id"], account["name"], **counts[pk]) for pk, account in sorted(accounts.items())
    )
    return Ledger(int(accepted), int(owed), rows)


def _pks(of_webhooks: Sequence[ColumnElement[bool]]) -> Select[tuple[int]]:
    return select(webhooks.c.pk).where(*of_webhooks)
