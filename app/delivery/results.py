"""How a webhook's deliveries ended lately, bar by bar: for lists and pages that show health at a glance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate

from sqlalchemy import Connection, case, func, select

from app.core.clock import HOUR, MINUTE, Micros
from app.store.tables import webhooks
from app.store.tables_traffic import WITHIN_MS, webhook_traffic

_HOUR = HOUR // MINUTE
_WAITS = (*(f"within_{limit}_ms" for limit in WITHIN_MS), "longer")


class Period(Enum):
    """What a picture covers: how many bars, and how many hours each of them is."""

    DAY = (24, 1)
    WEEK = (28, 6)

    @property
    def bars(self) -> int:
        """How many there are."""
        return self.value[0]

    @property
    def hours(self) -> int:
        """How long one is."""
        return self.value[1]

    def first_minute(self, now: Micros) -> int:
        """The minute since 1970 with which the first bar begins; the last bar ends with the present hour."""
        return (now // HOUR + 1 - self.bars * self.hours) * _HOUR


@dataclass(slots=True)
class Figures:
    """How attempts ended; ``retried`` = those that are tried again."""

    delivered: int = 0
    retried: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.delivered + self.retried + self.failed

    def add(self, other: Figures) -> None:
        """Count others too."""
        self.delivered += other.delivered
        self.retried += other.retried
        self.failed += other.failed


@dataclass(slots=True)
class Results:
    """A period of one webhook or of several, the oldest bar first; ``per_minute`` = delivered in the last one."""

    period: Period
    bars: list[Figures] = field(default_factory=list)
    per_minute: int = 0

    def __post_init__(self) -> None:
        self.bars = self.bars or [Figures() for _ in range(self.period.bars)]

    @property
    def whole(self) -> Figures:
        """The whole period."""
        found = Figures()
        for bar in self.bars:
            found.add(bar)
        return found

    def add(self, other: Results) -> None:
        """Count another webhook's too, of the same period."""
        for bar, more in zip(self.bars, other.bars, strict=True):
            bar.add(more)
        self.per_minute += other.per_minute


@dataclass(frozen=True, slots=True)
class Waits:
    """How long requests took: how many within each of ``WITHIN_MS``, and behind them those that took longer."""

    numbers: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.numbers)

    def within(self, share: float) -> int | None:
        """The milliseconds within which such a share of the requests was answered; None = longer than all limits."""
        for limit, number in zip(WITHIN_MS, accumulate(self.numbers), strict=False):
            if number >= share * self.total:
                return limit
        return None


def results_of(
    connection: Connection, organization_id: str, webhook_ids: Collection[str], now: Micros, period: Period = Period.DAY
) -> dict[str, Results]:
    """The results of these webhooks of one organization. The caller has found them within its scope."""
    first, traffic = period.first_minute(now), webhook_traffic.c
    bar = ((traffic.minute - first) // (period.hours * _HOUR)).label("bar")
    in_last_minute = case((traffic.minute == now // MINUTE - 1, traffic.delivered), else_=0)
    statement = (
        select(
            webhooks.c.id,
            bar,
            func.sum(traffic.delivered),
            func.sum(traffic.retried),
            func.sum(traffic.failed),
            func.sum(in_last_minute),
        )
        .join(webhook_traffic, traffic.webhook_pk == webhooks.c.pk)
        .where(webhooks.c.organization_id == organization_id, webhooks.c.id.in_(webhook_ids), traffic.minute >= first)
        .group_by(webhooks.c.id, bar)
    )
    found = {webhook_id: Results(period) for webhook_id in webhook_ids}
    for webhook_id, place, delivered, retried, failed, per_minute in connection.execute(statement):
        results = found[webhook_id]
        results.bars[min(place, period.bars - 1)].add(Figures(int(delivered), int(retried), int(failed)))
        results.per_minute += int(per_minute)
    return found


def waits_of(
    connection: Connection, organization_id: str, webhook_id: str, now: Micros, period: Period = Period.DAY
) -> Waits:
    """How long the requests of one webhook took. The caller has found it within its scope."""
    statement = (
        select(*(func.coalesce(func.sum(webhook_traffic.c[name]), 0) for name in _WAITS))
        .join(webhooks, webhooks.c.pk == webhook_traffic.c.webhook_pk)
        .where(
            webhooks.c.organization_id == organization_id,
            webhooks.c.id == webhook_id,
            webhook_traffic.c.minute >= period.first_minute(now),
        )
    )
    return Waits(tuple(int(number) for number in connection.execute(statement).one()))
