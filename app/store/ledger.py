"""The ledger: every number reconciled, read in one snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, func, literal, select

from app.core.states import AttemptOutcome, DeliveryState
from app.store.tables import accounts, attempts, deliveries, events, webhooks

UNNAMED_CAUSE = "unknown"
"""The cause of a possible duplicate whose attempt names none."""


@dataclass(frozen=True, slots=True)
class WebhookLedger:
    """The account of one webhook. *sending* counts as pending here: nothing has been proved yet.

    ``owed`` was written with the deliveries, ``matched`` counts the delivery rows there are. ``confirming`` is how many
    are *accepted*: the receiver took them and has not confirmed them.
    """

    webhook_id: str
    name: str
    owed: int = 0
    matched: int = 0
    delivered: int = 0
    pending: int = 0
    confirming: int = 0
    failed: int = 0
    skipped: int = 0
    parked: int = 0
    causes: Mapping[str, int] = field(default_factory=dict)
    """Attempts of unknown end, each a possible duplicate, by cause."""

    @property
    def duplicates_possible(self) -> int:
        """How many attempts may have arrived although nothing says so."""
        return sum(self.causes.values())

    @property
    def difference(self) -> int:
        """Owed less what became of it; anything but 0 is a lost or invented delivery."""
        ended = self.delivered + self.failed + self.skipped
        return self.owed - ended - self.pending - self.confirming - self.parked


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole account."""

    accepted: int
    webhooks: tuple[WebhookLedger, ...] = ()

    def total(self, name: str) -> int:
        """The sum of one column over all webhooks."""
        return sum(int(getattr(webhook, name)) for webhook in self.webhooks)

    @property
    def causes(self) -> dict[str, int]:
        """Possible duplicates of all webhooks, by cause."""
        return dict(sum((Counter(webhook.causes) for webhook in self.webhooks), Counter[str]()))

    @property
    def balanced(self) -> bool:
        """Whether every delivery that was ever owed is accounted for, at each webhook and so in all."""
        return not any(webhook.difference for webhook in self.webhooks)


_IS_UNKNOWN = attempts.c.outcome == literal(int(AttemptOutcome.UNKNOWN), literal_execute=True)
"""Said with the number itself, not with a parameter: only so does it lead to the index of these attempts."""

_COLUMN = {
    DeliveryState.PENDING: "pending",
    DeliveryState.SENDING: "pending",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.PARKED: "parked",
    DeliveryState.ACCEPTED: "confirming",
}


def read_ledger(connection: Connection, organization_id: str | None = None) -> Ledger:
    """The ledger of one organization or of all. The caller's transaction must be one snapshot."""
    of_events = select(func.count()).select_from(events)
    of_webhooks = select(webhooks.c.pk, webhooks.c.id, webhooks.c.name, accounts.c.owed).outerjoin(
        accounts, accounts.c.webhook_pk == webhooks.c.pk
    )
    pks: Select[int] = select(webhooks.c.pk)
    if organization_id is not None:
        of_events = of_events.where(events.c.organization_id == organization_id)
        of_webhooks = of_webhooks.where(webhooks.c.organization_id == organization_id)
        pks = pks.where(webhooks.c.organization_id == organization_id)
    accepted = connection.execute(of_events).scalar_one()
    named = connection.execute(of_webhooks.order_by(webhooks.c.pk)).all()
    counts: dict[int, Counter[str]] = {row.pk: Counter() for row in named}
    by_state = (
        select(deliveries.c.webhook_pk, deliveries.c.state, func.count())
        .where(deliveries.c.webhook_pk.in_(pks))
        .group_by(deliveries.c.webhook_pk, deliveries.c.state)
    )
    for pk, state, number in connection.execute(by_state):
        counts[pk].update({_COLUMN[DeliveryState(state)]: number, "matched": number})
    causes: dict[int, dict[str, int]] = {row.pk: {} for row in named}
    by_cause = (
        select(attempts.c.webhook_pk, attempts.c.error_class, func.count())
        .where(_IS_UNKNOWN, attempts.c.webhook_pk.in_(pks))
        .group_by(attempts.c.webhook_pk, attempts.c.error_class)
    )
    for pk, cause, number in connection.execute(by_cause):
        causes[pk][cause or UNNAMED_CAUSE] = number
    return Ledger(
        int(accepted),
        tuple(WebhookLedger(row.id, row.name, row.owed or 0, **counts[row.pk], causes=causes[row.pk]) for row in named),
    )


def duplicate_causes(connection: Connection) -> dict[str, int]:
    """Attempts of unknown end in the whole installation, by cause: what a gauge shows without naming a webhook."""
    by_cause = select(attempts.c.error_class, func.count()).where(_IS_UNKNOWN).group_by(attempts.c.error_class)
    return {cause or UNNAMED_CAUSE: number for cause, number in connection.execute(by_cause)}
