"""What a drain does inside its write transaction: record, renew, look, close batches, claim, give partitions back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.core.clock import AT_ONCE, Micros
from app.core.ids import RandomBytes, new_id
from app.core.states import Mode
from app.delivery.landing import lost_attempt
from app.delivery.lanes import Lane
from app.delivery.runtime import NotReadyError, RuntimeLoader, WebhookRuntime
from app.delivery.verdict import SUSPECT_AFTER
from app.store.batches import batch_webhooks, buffered_count, close_batch
from app.store.claim import Claimed, ClaimedBatch, claim_batches, claim_deliveries, return_claimed
from app.store.due import DueWebhook, due_webhooks
from app.store.holds import park_due, stop_webhook
from app.store.record import write_attempts
from app.store.routes import enabled_versions, routing_generation

log = logging.getLogger(__name__)

BATCH_ROOM = 2
"""Closed batches of one webhook in the works at once; a batch may hold 20,000 events."""
RETRY_SHARE = 8
"""While first attempts fill a claim, one retry in so many is claimed beside them."""

LaneOf = Callable[[WebhookRuntime, DueWebhook], Lane]


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
        self._generation = -1

    def look(
        self, connection: Connection, held: Collection[int], lanes: Mapping[int, Lane], lane_of: LaneOf, now: Micros
    ) -> Look:
        """Claim due work. Nothing is sent before the caller has committed."""
        found = Look()
        if not held:
            return found
        self._heed_changes(connection, lanes)
        self._close_full_batches(connection, held, now)
        for webhook in due_webhooks(connection, held, now):
            found.busy.add(webhook.partition)
            known = lanes.get(webhook.pk)
            if known and known.runtime.version == webhook.version and not known.is_hungry:
                continue
            runtime = self._ready(connection, webhook, now)
            if runtime is None:
                continue
            lane = lane_of(runtime, webhook)
            if runtime.mode is Mode.BATCH:
                self._claim_batches(connection, lane, found, now)
            elif lane.room:
                found.claimed.append((lane, self._claim(connection, lane, lanes, now)))
        self._note_losses(connection, found, now)
        return found

    def _heed_changes(self, connection: Connection, lanes: Mapping[int, Lane]) -> None:
        """A webhook that somebody paused, disabled or changed sends nothing more of what was claimed before."""
        generation = routing_generation(connection)
        if generation == self._generation:
            return
        self._generation = generation
        versions = enabled_versions(connection, lanes)
        for pk, lane in lanes.items():
            if versions.get(pk) != lane.runtime.version:
                lane.stopped = True

    def _claim(self, connection: Connection, lane: Lane, lanes: Mapping[int, Lane], now: Micros) -> list[Claimed]:
        """First attempts in ledger order, then retries; a long backlog of the former does not starve the latter."""
        lane.grow()
        pk, room = lane.runtime.pk, lane.room
        rows = claim_deliveries(connection, pk, self._token, now, room)
        if len(rows) == room >= RETRY_SHARE and not rows[-1].is_retry:
            rows += claim_deliveries(connection, pk, self._token, now, room // RETRY_SHARE, after=AT_ONCE)
        suspects = [row for row in rows if row.orphan and row.losses >= SUSPECT_AFTER]
        lane.alone = bool(suspects)
        if suspects:
            others = any(other.alone and other.outstanding for other in lanes.values())
            kept = [] if others else suspects[:1]
            return_claimed(connection, [row for row in rows if row not in kept])
            return kept
        return rows

    def _note_losses(self, connection: Connection, found: Look, now: Micros) -> None:
        """Write down the attempts of workers that died, with the claim itself, so that a second death hides none."""
        groups = [*(rows for _, rows in found.claimed), *(batch.members for _, batch in found.batches)]
        write_attempts(connection, [lost_attempt(row, now) for rows in groups for row in rows if row.orphan])

    def _ready(self, connection: Connection, webhook: DueWebhook, now: Micros) -> WebhookRuntime | None:
        """The webhook's runtime, or None after it was paused and its due work parked."""
        try:
            return self._loader.get(connection, webhook.pk, webhook.version, now)
        except NotReadyError as error:
            log.warning("webhook cannot work", extra={"webhook": webhook.pk, "reason": error.reason})
            park_due(connection, webhook.pk, now, error.reason)
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
