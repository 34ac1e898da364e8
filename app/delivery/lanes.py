"""A lane: what one webhook has claimed, queued and in flight inside one drain engine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pydantic import SecretStr

from app.core.clock import SECOND, Micros
from app.delivery.packing import Parcel
from app.delivery.runtime import WebhookRuntime
from app.store.claim import Claimed

FIRST_APPETITE = 64
LARGEST_APPETITE = 768
"""Claimed deliveries per webhook: enough for large groups with a fast receiver, few at risk with a slow one."""
QUEUE_PATIENCE: Micros = 20 * SECOND
"""Longest wait of a claimed delivery for its turn. With the longest attempt (15 s) it stays well inside the lease."""
PACED_AHEAD_S = 5
"""Seconds' worth of deliveries that a rate-limited webhook claims ahead."""


@dataclass(slots=True)
class OpenBatch:
    """A claimed batch: how many of its parcels have not landed, and when its unfinished members are due again."""

    pk: int
    parcels_left: int = 0
    due_at: Micros | None = None


@dataclass(slots=True)
class Load:
    """One request's worth of work: a single delivery not yet formatted, or a packed parcel of a batch."""

    members: tuple[Claimed, ...]
    claimed_at: Micros
    parcel: Parcel | None = None
    batch: OpenBatch | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """A request on the wire, and what must be remembered until it lands."""

    lane: Lane
    load: Load
    parcel: Parcel
    started_at: Micros
    signature: str
    head_digest: bytes
    body_digest: bytes | None
    access_token: SecretStr | None


@dataclass(slots=True)
class Lane:
    """The work of one webhook."""

    runtime: WebhookRuntime
    partition: int
    queue: deque[Load] = field(default_factory=deque)
    in_flight: int = 0
    outstanding: int = 0
    """Claimed deliveries that are neither recorded nor given back."""
    appetite: int = FIRST_APPETITE
    landed: int = 0
    """Deliveries that landed since the last claim."""
    stopped: bool = False
    tokens: float = 1.0
    """Requests a rate-limited webhook may start now; refilled as time passes, up to one second's worth."""
    refilled_at: Micros = 0
    heads: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    """Redacted request heads by what varies between requests; cleared with the lane."""

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing on the wire."""
        return not self.queue and not self.in_flight

    @property
    def room(self) -> int:
        """How many more deliveries it may claim."""
        wanted = max(self.appetite, self.runtime.concurrency)
        if self.runtime.rate_per_s is not None:
            wanted = min(wanted, self.runtime.rate_per_s * PACED_AHEAD_S)
        return max(0, wanted - self.outstanding)

    @property
    def is_hungry(self) -> bool:
        """Whether a claim is worth a query: at least half of its appetite is free."""
        return not self.stopped and 2 * self.room >= self.outstanding + self.room

    def grow(self) -> None:
        """Before a claim: a webhook that landed half its appetite may claim more, one that landed nothing less."""
        if 2 * self.landed >= self.appetite:
            self.appetite = min(2 * self.appetite, LARGEST_APPETITE)
        elif not self.landed and self.outstanding:
            self.appetite = FIRST_APPETITE
        self.landed = 0

    def may_start(self, now: Micros) -> bool:
        """Whether its concurrency and its rate allow one more request."""
        if self.in_flight >= self.runtime.concurrency:
            return False
        rate = self.runtime.rate_per_s
        if rate is None:
            return True
        passed = now - self.refilled_at if self.refilled_at else 0
        self.tokens = min(max(rate, 1), self.tokens + passed * rate / SECOND)
        self.refilled_at = now
        return self.tokens >= 1.0

    def spend(self) -> None:
        """A request was started."""
        self.in_flight += 1
        self.tokens -= 1.0

    def is_overdue(self, now: Micros) -> bool:
        """Whether what it has queued waits too long for a slot and must be given back."""
        return bool(self.queue) and now - self.queue[0].claimed_at > QUEUE_PATIENCE
