"""What a drain does inside its write transaction: record, renew, look, close batches, claim, give partitions back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.core.clock import Micros
from app.core.ids import RandomBytes, new_id
from app.core.states import Mode
from app.delivery.lanes import Lane
from app.delivery.runtime import NotReadyError, RuntimeLoader, WebhookRuntime
from app.store.batches import batch_webhooks, buffered_count, close_batch
from app.store.claim import Claimed, ClaimedBatch, DueWebhook, claim_batches, claim_deliveries, due_webhooks
from app.store.holds import hold_due, stop_webhook

log = logging.getLogger(__name__)

BATCH_ROOM = 2
"""Closed batches of one webhook in the works at once; a batch may hold 20,000 events."""

LaneOf = Callable[[WebhookRuntime, int], Lane]


@dataclass(slots=True)
class Look:
    """What a look at the held partitions found."""

    claimed: list[tuple[Lane, list[Claimed]]] = field(default_factory=list)
    batches: list[tuple[Lane, ClaimedBatch]] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    """Partitions with something due, claimed now or left for the next look."""


class Claiming:
    """Looks for due work of the held partitions and claims what the lanes have room for."""

    def __init__(self, loader: RuntimeLoader, token: int, random_bytes: RandomBytes) -> None:
        self._loader = loader
        self._token = token
        self._random_bytes = random_bytes

    def look(
        self, connection: Connection, held: Collection[int], lanes: Mapping[int, Lane], lane_of: LaneOf, now: Micros
    ) -> Look:
        """Claim due work. Nothing is sent before the caller has committed."""
        found = Look()
        if not held:
            return found
        self._close_full_batches(connection, held, now)
        for webhook in due_webhooks(connection, held, now):
            found.busy.add(webhook.partition)
            known = lanes.get(webhook.pk)
            if known and known.runtime.version == webhook.version and not known.is_hungry:
                continue
            runtime = self._ready(connection, webhook, now)
            if runtime is None:
                continue
            lane = lane_of(runtime, webhook.partition)
            if runtime.mode is Mode.BATCH:
                self._claim_batches(connection, lane, found, now)
            elif lane.room:
                lane.grow()
                rows = claim_deliveries(connection, webhook.pk, self._token, now, lane.room)
                found.claimed.append((lane, rows))
        return found

    def _ready(self, connection: Connection, webhook: DueWebhook, now: Micros) -> WebhookRuntime | None:
        """The webhook's runtime, or None after its due work was put on hold."""
        if webhook.state != "enabled":
            hold_due(connection, webhook.pk, now)
            return None
        try:
            return self._loader.get(connection, webhook.pk, webhook.version, now)
        except NotReadyError as error:
            log.warning("webhook cannot work", extra={"webhook": webhook.pk, "reason": error.reason})
            hold_due(connection, webhook.pk, now, park_reason=error.reason)
            stop_webhook(connection, webhook.pk, state="paused", reason=error.reason, now=now)
            return None

    def _close_full_batches(self, connection: Connection, held: Collection[int], now: Micros) -> None:
        for pk, max_events in batch_webhooks(connection, held):
            while buffered_count(connection, pk, max_events) >= max_events:
                self._close(connection, pk, max_events, "count", now)

    def _claim_batches(self, connection: Connection, lane: Lane, found: Look, now: Micros) -> None:
        runtime = lane.runtime
        if buffered_count(connection, runtime.pk, 1, due_by=now):
            self._close(connection, runtime.pk, runtime.batch_max_events, "age", now)
        if lane.outstanding:
            return
        for batch in claim_batches(connection, runtime.pk, self._token, now, BATCH_ROOM):
            found.batches.append((lane, batch))

    def _close(self, connection: Connection, webhook_pk: int, max_events: int, reason: str, now: Micros) -> None:
        batch_id = new_id("bat", self._random_bytes)
        count = close_batch(connection, webhook_pk, batch_id, now, max_events=max_events, reason=reason)
        log.info("batch closed", extra={"batch": batch_id, "events": count, "reason": reason})
