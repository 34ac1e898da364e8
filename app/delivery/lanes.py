"""A lane: what one webhook has claimed, queued and in flight inside one drain engine."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import SecretStr

from app.core.clock import SECOND, Micros
from app.core.receiver_health import HEALTHY, Health
from app.delivery.isolation import PATIENCE
from app.delivery.packing import Parcel
from app.delivery.plugin_border import PluginFault
from app.delivery.runtime import WebhookRuntime
from app.store.claim import Claimed

FIRST_APPETITE = 64
LARGEST_APPETITE = 768
"""Claimed deliveries per webhook: enough for large groups with a fast receiver, few at risk with a slow one."""
QUEUE_PATIENCE: Micros = 20 * SECOND
"""Longest wait of a claimed delivery for its turn. With the longest attempt (15 s) it stays well inside the lease."""
FIRST_WINDOW = 16
"""Requests on the wire at once to a receiver of which nothing is known yet. Each success allows one more, up to the
webhook's concurrency; a throttle or a request without an answer halves them, once per round."""
RETRY_TURN = 4
"""While first attempts wait, every so manieth start is a retry."""
PACED_AHEAD_S = 5
"""Seconds' worth of deliveries that a rate-limited webhook claims ahead."""


@dataclass(slots=True)
class OpenBatch:
    """A claimed batch: how many of its parcels have not landed, and when its unfinished members are due again.

    ``aside`` holds second halves of refused parcels, and ``patience`` says how many more refusals it is worth; see
    :mod:`app.delivery.isolation`.
    """

    pk: int
    parcels_left: int = 0
    due_at: Micros | None = None
    patience: int = PATIENCE
    aside: list[Load] = field(default_factory=list)


@dataclass(slots=True)
class Load:
    """One request's worth of work: a single delivery not yet formatted, or a packed parcel of a batch."""

    members: tuple[Claimed, ...]
    claimed_at: Micros
    parcel: Parcel | None = None
    batch: OpenBatch | None = None
    is_retry: bool = False
    """Whether it comes at a time of its own. What goes in ledger order is never kept waiting by it."""


class RequestHead(NamedTuple):
    """A request's head as history keeps it, and the credentials that were sent with it."""

    redacted: bytes
    credentials: tuple[bytes, ...]


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
    credentials: tuple[bytes, ...] = field(repr=False)
    """What is masked in the answer."""
    access_token: SecretStr | None
    is_probe: bool
    """Whether its webhook was failing when it left."""


@dataclass(slots=True)
class Lane:
    """The work of one webhook."""

    runtime: WebhookRuntime
    partition: int
    queue: deque[Load] = field(default_factory=deque)
    """What goes in ledger order."""
    retries: deque[Load] = field(default_factory=deque)
    in_flight: int = 0
    retries_in_flight: int = 0
    starts: int = 0
    outstanding: int = 0
    """Claimed deliveries that are neither recorded nor given back."""
    appetite: int = FIRST_APPETITE
    landed: int = 0
    """Deliveries that landed since the last claim."""
    batch_bytes: int = 0
    """Bytes of the batches claimed last; they count as long as anything is outstanding."""
    stopped: bool = False
    harm: PluginFault | None = None
    """What its sink did that must not happen again: the sink is not asked any more."""
    alone: bool = False
    """It sends a suspect, and claims nothing beside it."""
    health: Health = HEALTHY
    window: int = FIRST_WINDOW
    narrowed_at: Micros = 0
    proven: bool = False
    """Whether the receiver took something since this lane began."""
    sharers: int = 1
    """Webhooks that keep the receiver's pace together, this one among them: each keeps its part of it."""
    shared_since: int = -1
    """The generation of the routing table in which they were counted."""
    tokens: float = 1.0
    """Requests a rate-limited webhook may start now; refilled as time passes, up to one second's worth."""
    refilled_at: Micros = 0
    heads: dict[tuple[object, ...], RequestHead] = field(default_factory=dict)
    """Request heads by what varies between requests; cleared with the lane."""

    @property
    def has_queued(self) -> bool:
        """Whether anything is claimed and not started."""
        return bool(self.queue or self.retries)

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing on the wire."""
        return not self.in_flight and not self.has_queued

    @property
    def slots(self) -> int:
        """How many requests may be on the wire now."""
        return 1 if self.health.is_probing else min(self.window, self.runtime.concurrency)

    @property
    def rate(self) -> float | None:
        """Requests per second that it may start, None = any number."""
        own, receiver = self.runtime.rate_per_s, None if self.sharers == 1 else self.runtime.limits.rate_per_s
        return own if own is None or receiver is None else min(own, receiver / self.sharers)

    @property
    def room(self) -> int:
        """How many more deliveries it may claim."""
        if self.health.backoffs or self.health.is_probing:
            wanted = self.slots
        else:
            wanted = max(self.appetite, self.runtime.concurrency)
        if self.alone:
            wanted = 1
        rate = self.rate
        if rate is not None:
            wanted = min(wanted, math.ceil(rate * PACED_AHEAD_S))
        return max(0, wanted - self.outstanding)

    @property
    def is_hungry(self) -> bool:
        """Whether a claim is worth a query: at least half of its appetite is free."""
        return not self.stopped and bool(self.room) and 2 * self.room >= self.outstanding + self.room

    def grow(self) -> None:
        """Before a claim: a webhook that landed half its appetite may claim more, one that landed nothing less."""
        if 2 * self.landed >= self.appetite:
            self.appetite = min(2 * self.appetite, LARGEST_APPETITE)
        elif not self.landed and self.outstanding:
            self.appetite = FIRST_APPETITE
        self.landed = 0

    def learn(self, health: Health) -> None:
        """Take over what the database knows of the receiver."""
        self.health = health
        self.window = 1 if health.backoffs else FIRST_WINDOW

    def widen(self) -> None:
        """A request had success."""
        self.proven = True
        self.window = min(self.window + 1, self.runtime.concurrency)

    def narrow(self, started_at: Micros, now: Micros) -> None:
        """A request was throttled or got no answer; those that were under way with it count as the same trouble."""
        if started_at > self.narrowed_at:
            self.window = max(1, self.slots // 2)
            self.narrowed_at = now

    def is_held(self, now: Micros) -> bool:
        """Whether nothing may leave yet."""
        return self.health.held_until > now

    def may_start(self, now: Micros) -> bool:
        """Whether something is queued, and its concurrency and its rate allow one more request."""
        if self.stopped or self.in_flight >= self.slots or not (self.queue or self._may_retry()):
            return False
        rate = self.rate
        if rate is None:
            return True
        passed = now - self.refilled_at if self.refilled_at else 0
        self.tokens = min(max(rate, 1), self.tokens + passed * rate / SECOND)
        self.refilled_at = now
        return self.tokens >= 1.0

    def _may_retry(self) -> bool:
        """Retries leave a quarter of the slots to first attempts, so that hanging ones never take them all."""
        slots = self.slots
        return bool(self.retries) and self.retries_in_flight < max(1, slots - slots // 4)

    def add(self, load: Load) -> None:
        """Queue what was claimed."""
        (self.retries if load.is_retry else self.queue).append(load)

    def put_back(self, load: Load) -> None:
        """Queue what goes before all else."""
        (self.retries if load.is_retry else self.queue).appendleft(load)

    def next(self) -> Load:
        """What to start now: first attempts before retries, but every fourth turn is a retry's."""
        self.starts += 1
        retry_turn = self._may_retry() and (not self.queue or self.starts % RETRY_TURN == 0)
        return self.retries.popleft() if retry_turn else self.queue.popleft()

    def take_all(self) -> list[Load]:
        """Empty the queues."""
        loads = [*self.queue, *self.retries]
        self.queue.clear()
        self.retries.clear()
        return loads

    def spend(self, load: Load) -> None:
        """A request was started."""
        self.in_flight += 1
        self.retries_in_flight += load.is_retry
        self.tokens -= 1.0

    def finish(self, load: Load) -> None:
        """A request ended."""
        self.in_flight -= 1
        self.retries_in_flight -= load.is_retry

    def is_overdue(self, now: Micros) -> bool:
        """Whether what it has queued waits too long for a slot and must be given back."""
        oldest = now - QUEUE_PATIENCE
        if self.queue and self.queue[0].claimed_at < oldest:
            return True
        return bool(self.retries) and self.retries[0].claimed_at < oldest
