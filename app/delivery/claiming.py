"""What a drain does inside its write transaction: record, renew, look, close batches, claim, give partitions back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from app.core.clock import AT_ONCE, MILLISECOND, SECOND, Micros
from app.core.ids import RandomBytes
from app.core.states import CloseReason, Mode
from app.delivery.landing import lost_attempt
from app.delivery.lanes import Lane
from app.delivery.runtime import NotReadyError, RuntimeLoader, WebhookRuntime
from app.delivery.stopping import Stopping
from app.delivery.suspects import cleared, suspects_of, to_try
from app.delivery.verdict import SUSPECT_AFTER
from app.sinks.confirmations import MOST_RECEIPTS
from app.store.batches import ClosedBatch, close_all, close_full
from app.store.buffers import Buffer, batch_partitions, buffers_to_look_at, count_new, has_waited
from app.store.claim import Claimed, ClaimedBatch, claim_batches, claim_deliveries, return_claimed
from app.store.due import DueWebhook, due_webhooks, webhooks_with_receipts_due
from app.store.holds import park_due
from app.store.paces import sharers_of
from app.store.plugin_faults import write_faults
from app.store.receipts import ReceiptRow, due_receipts
from app.store.record import write_attempts
from app.store.routes import enabled_versions, routing_generation

log = logging.getLogger(__name__)

BATCH_ROOM = 2
"""Closed batches of one webhook in the works at once; a batch may hold 20,000 events."""
BATCH_BYTES = 32 * 1024 * 1024
"""Bytes of claimed batches in one process from which on no further batch is claimed."""
BUFFERS_PER_LOOK = 100
"""Buffers counted and closed in one transaction; the rest follows with the next look."""
SUSPECTS_WAIT: Micros = SECOND
"""When the rest of a batch is looked at again, after some of it were sent apart."""
RETRY_SHARE = 8
"""While first attempts fill a claim, one retry in so many is claimed beside them."""

RECEIPTS_RECHECK: Micros = 200 * MILLISECOND
"""How often it is asked which receipts are due, so that sinks without any pay nothing for them."""

LaneOf = Callable[[WebhookRuntime, DueWebhook], Lane]


@dataclass(slots=True)
class Look:
    """What a look at the held partitions found."""

    claimed: list[tuple[Lane, list[Claimed]]] = field(default_factory=list)
    batches: list[tuple[Lane, ClaimedBatch]] = field(default_factory=list)
    receipts: list[tuple[Lane, list[ReceiptRow]]] = field(default_factory=list)
    """Receipts to ask about now."""
    busy: set[int] = field(default_factory=set)
    """Partitions with something due, claimed now or left for the next look."""


class Claiming:
    """Looks for due work of the held partitions and claims what the lanes have room for."""

    def __init__(
        self,
        loader: RuntimeLoader,
        token: int,
        random_bytes: RandomBytes,
        stops: Stopping,
        is_asking: Callable[[int], bool],
    ) -> None:
        self._loader = loader
        self._is_asking = is_asking
        self._receipts_looked_at: Micros = -RECEIPTS_RECHECK
        self._stops = stops
        self._token = token
        self._random_bytes = random_bytes
        self._generation = -1
        self._batch_partitions: frozenset[int] = frozenset()

    def look(
        self, connection: Connection, held: Collection[int], lanes: Mapping[int, Lane], lane_of: LaneOf, now: Micros
    ) -> Look:
        """Claim due work. Nothing is sent before the caller has committed."""
        found = Look()
        if not held:
            return found
        self._heed_changes(connection, lanes)
        self._close_batches(connection, self._batch_partitions.intersection(held), now)
        room_bytes = BATCH_BYTES - sum(lane.batch_bytes for lane in lanes.values() if lane.outstanding)
        due = due_webhooks(connection, held, now)
        self._loader.fetch(connection, [(webhook.pk, webhook.version) for webhook in due], now)
        for webhook in due:
            found.busy.add(webhook.partition)
            known = lanes.get(webhook.pk)
            if known and known.runtime.version == webhook.version and not known.is_hungry:
                continue
            runtime = self._ready(connection, webhook, now)
            if runtime is None:
                continue
            lane = lane_of(runtime, webhook)
            self._share_pace(connection, lane)
            if runtime.mode is Mode.BATCH:
                room_bytes -= self._claim_batches(connection, lane, lanes, found, now, room_bytes)
            elif lane.room:
                found.claimed.append((lane, self._claim(connection, lane, lanes, found, now)))
        self._note_losses(connection, found, now)
        if not 0 <= now - self._receipts_looked_at < RECEIPTS_RECHECK:
            self._receipts_looked_at = now
            self._find_receipts(connection, held, lane_of, found, now)
        return found

    def _share_pace(self, connection: Connection, lane: Lane) -> None:
        """Count anew who keeps a pace together, after webhooks were changed anywhere.

        Each keeps its part of it wherever it is drained, so that nobody has to ask others before a request.
        """
        key = lane.runtime.pace_key
        if key is not None and lane.shared_since != self._generation:
            lane.sharers = sharers_of(connection, key)
            lane.shared_since = self._generation

    def _find_receipts(
        self, connection: Connection, held: Collection[int], lane_of: LaneOf, found: Look, now: Micros
    ) -> None:
        """What the receivers of the held partitions are to be asked about. Nobody else asks, so nothing is marked."""
        for webhook in webhooks_with_receipts_due(connection, held, now):
            if self._is_asking(webhook.pk):
                continue
            runtime = self._ready(connection, webhook, now)
            if runtime is not None:
                rows = due_receipts(connection, webhook.pk, now, MOST_RECEIPTS)
                found.receipts.append((lane_of(runtime, webhook), rows))

    def _heed_changes(self, connection: Connection, lanes: Mapping[int, Lane]) -> None:
        """A webhook that somebody paused, disabled or changed sends nothing more of what was claimed before."""
        generation = routing_generation(connection)
        if generation == self._generation:
            return
        self._generation = generation
        self._batch_partitions = batch_partitions(connection)
        versions = enabled_versions(connection, lanes)
        for pk, lane in lanes.items():
            if versions.get(pk) != lane.runtime.version:
                lane.stopped = True

    def _claim(
        self, connection: Connection, lane: Lane, lanes: Mapping[int, Lane], found: Look, now: Micros
    ) -> list[Claimed]:
        """First attempts in ledger order, then retries; a long backlog of the former does not starve the latter."""
        lane.grow()
        pk, room = lane.runtime.pk, lane.room
        rows = claim_deliveries(connection, pk, self._token, now, room)
        if len(rows) == room > 1 and not rows[-1].is_retry:
            share = max(1, room // RETRY_SHARE)
            rows += claim_deliveries(connection, pk, self._token, now, share, after=AT_ONCE)
        suspects = [row for row in rows if row.orphan and row.losses >= SUSPECT_AFTER]
        lane.alone = bool(suspects)
        if not suspects:
            return rows
        kept = [] if self._sends_a_suspect(lanes, found) else suspects[:1]
        return_claimed(connection, [row for row in rows if row not in kept])
        return kept

    def _sends_a_suspect(self, lanes: Mapping[int, Lane], found: Look) -> bool:
        """Whether this process has a delivery in its hands, or takes one now, that workers may die of."""
        at_work = any(lane.alone and lane.outstanding for lane in lanes.values())
        taken = [*found.claimed, *((lane, batch.members) for lane, batch in found.batches)]
        return at_work or any(lane.alone and rows for lane, rows in taken)

    def _note_losses(self, connection: Connection, found: Look, now: Micros) -> None:
        """Write down the attempts of workers that died, with the claim itself, so that a second death hides none."""
        single = [(rows, True) for _, rows in found.claimed]
        groups = [*single, *((batch.members, batch.alone) for _, batch in found.batches)]
        lost = [lost_attempt(row, now, alone=alone) for rows, alone in groups for row in rows if row.orphan]
        write_attempts(connection, lost)

    def _ready(self, connection: Connection, webhook: DueWebhook, now: Micros) -> WebhookRuntime | None:
        """The webhook's runtime, or None after it was paused and its due work parked."""
        try:
            return self._loader.get(connection, webhook.pk, webhook.version, now)
        except NotReadyError as error:
            log.warning("webhook cannot work", extra={"webhook": webhook.pk, "reason": error.reason})
            if error.fault is not None:
                write_faults(connection, [error.fault], now)
            park_due(connection, webhook.pk, now, error.reason)
            self._stops.stop(connection, webhook.pk, state="paused", reason=error.reason, now=now)
            return None

    def _close_batches(self, connection: Connection, held: Collection[int], now: Micros) -> None:
        if not held:
            return
        for buffer in buffers_to_look_at(connection, held, now, BUFFERS_PER_LOOK):
            if buffer.state == "disabled":
                closed = close_all(connection, buffer, now, self._random_bytes, CloseReason.DISABLED)
            else:
                closed = self._close_ripe(connection, buffer, now)
            for batch in closed:
                log.info("batch closed", extra={"batch": batch.id, "events": batch.event_count, "reason": batch.reason})

    def _close_ripe(self, connection: Connection, buffer: Buffer, now: Micros) -> list[ClosedBatch]:
        closed, left = close_full(connection, count_new(connection, buffer), now, self._random_bytes)
        if not left.is_full and has_waited(connection, left, now):
            closed += close_all(connection, left, now, self._random_bytes, CloseReason.AGE)
        return closed

    def _claim_batches(
        self,
        connection: Connection,
        lane: Lane,
        lanes: Mapping[int, Lane],
        found: Look,
        now: Micros,
        room_bytes: int,
    ) -> int:
        """Claim what there is room for; answers how many bytes that is."""
        if lane.outstanding:
            return 0
        lane.alone = False
        claimed = claim_batches(connection, lane.runtime.pk, self._token, now, BATCH_ROOM, room_bytes)
        suspects = next(filter(None, (suspects_of(batch.members) for batch in claimed)), ())
        if suspects:
            kept = () if self._sends_a_suspect(lanes, found) else to_try(suspects)
            claimed = [_only(connection, batch, kept, suspects, now) for batch in claimed]
            claimed = [replace(batch, alone=len(suspects) == 1) for batch in claimed]
            lane.alone = True
        found.batches += [(lane, batch) for batch in claimed]
        lane.batch_bytes = sum(batch.byte_count for batch in claimed)
        return lane.batch_bytes


def _only(
    connection: Connection, batch: ClaimedBatch, kept: Sequence[Claimed], suspects: Sequence[Claimed], now: Micros
) -> ClaimedBatch:
    """The claim of a batch without any member but these; the others are due again soon."""
    sent = {member.event_seq for member in kept}
    suspected = {member.event_seq for member in suspects}
    rest = [member for member in batch.members if member.event_seq not in sent]
    others = [member if member.event_seq in suspected else cleared(member) for member in rest]
    return_claimed(connection, others, in_batch=True)
    members = tuple(member for member in batch.members if member.event_seq in sent)
    return replace(batch, members=members, again_at=now + SUSPECTS_WAIT)
