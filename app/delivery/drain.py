"""The drain: the pipeline of one worker process, on one thread.

Each round has three steps. *Turn*: one write transaction that records what landed, renews the leases, claims what is
due and gives quiet partitions back. *Launch*: start requests while slots are free. *Poll*: let libcurl work, and land
what finished. Nothing here waits for one receiver.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import count

from app.core.clock import SECOND, Clock, Micros
from app.core.errors import StoreUnavailableError
from app.core.ids import RandomBytes
from app.core.states import DeliveryState
from app.delivery.access import TokenDesk
from app.delivery.arrivals import Arrivals
from app.delivery.claiming import Claiming, Look
from app.delivery.confirmed import Findings
from app.delivery.confirming import Confirming
from app.delivery.contents import ContentLedger
from app.delivery.egress import EgressClient
from app.delivery.exchange import Returned
from app.delivery.landing import Landing
from app.delivery.lanes import Lane, Load, OpenBatch
from app.delivery.launching import Launching, refusal
from app.delivery.observing import Observing
from app.delivery.packing import Refused, format_member, pack
from app.delivery.receiver_watch import ReceiverWatch
from app.delivery.runtime import RuntimeLoader, WebhookRuntime
from app.delivery.stopping import Stopping
from app.delivery.verdict import JITTER, Jitter, rule_on_lost_worker
from app.routing.own_audit import NO_AUDIT, Audit
from app.sinks.types import Item
from app.store import Store
from app.store.claim import Claimed, ClaimedBatch
from app.store.due import DueWebhook, due_webhooks
from app.store.partitions import PARTITION_LEASE, release_partitions, renew_partitions, take_partition
from app.store.plugin_faults import write_faults
from app.store.record import EXCHANGE_BITS, Record, write_record
from app.store.traffic import count_results
from app.store.webhook_health import write_health

log = logging.getLogger(__name__)

GROUP = 400
"""Settled deliveries that make a group worth its commit."""
GROUP_AGE: Micros = 4_000
"""Longest a landed result waits for its group (4 ms)."""
RECHECK: Micros = 20_000
"""How often held partitions are looked at again while transfers are in flight: their rings may be heard elsewhere."""
RENEW: Micros = PARTITION_LEASE // 4


class Drain:
    """Delivers for the partitions it holds.

    Args:
        store: the ledger.
        client: the road out.
        loader: webhook runtimes.
        token: this engine's fencing token, from ``new_lease_token``.
        seat: where the next life of this process will find its partitions; None = nowhere.
        clock: current time.
        random_bytes: for batch ids.
        jitter: for retry times.
        audit: told of webhooks that had to stop.
        observing: told of every attempt once it is recorded.
    """

    def __init__(
        self,
        store: Store,
        client: EgressClient,
        loader: RuntimeLoader,
        token: int,
        *,
        seat: str | None = None,
        clock: Clock,
        random_bytes: RandomBytes,
        jitter: Jitter = JITTER,
        audit: Audit = NO_AUDIT,
        observing: Observing | None = None,
    ) -> None:
        self._store = store
        self._observing = observing or None
        self._client = client
        self._token = token
        self._seat = seat
        self._clock = clock
        self._stops = Stopping(audit)
        self._contents = ContentLedger()
        numbers = count(token << EXCHANGE_BITS)
        self._watch = ReceiverWatch(jitter)
        self._landing = Landing(self._contents, lambda: next(numbers), self._watch, jitter)
        tokens = TokenDesk(client)
        self._findings = Findings(self._watch, jitter)
        self._confirming = Confirming(client, tokens, self._landing, self._findings)
        self._loader = loader
        self._claiming = Claiming(loader, token, random_bytes, self._stops, self._confirming.is_asking)
        self._launching = Launching(client, tokens, self._contents, self._landing, clock)
        self._arrivals = Arrivals(tokens, self._landing, self._confirming)
        self._lanes: dict[int, Lane] = {}
        self._working: dict[int, Lane] = {}
        """Those that had something queued or on the wire at the last turn: of thousands of lanes, most have not."""
        self.held: set[int] = set()
        self.busy: set[int] = set()
        """Held partitions with work that does not only wait for receivers."""
        self.refused: set[int] = set()
        """Partitions that the last turn wanted and another engine holds."""
        self._renewed_at: Micros = 0
        self._looked_at: Micros = 0
        self._landed_at: Micros = 0
        self._stopping = False

    @property
    def is_idle(self) -> bool:
        """Nothing held, nothing to record, nothing on the wire."""
        return not (self.held or self._landing.record or self._findings or self._client.in_flight)

    def turn_is_due(self, *, admitting: bool) -> bool:
        """Whether a write transaction is worth its price now."""
        now = self._clock()
        return admitting or self._record_is_due(now) or (bool(self.held) and self._look_is_due(now))

    def _record_is_due(self, now: Micros) -> bool:
        record = self._landing.record
        if len(record.settled) >= GROUP:
            return True
        old_enough = now - self._landed_at >= GROUP_AGE or not self._client.in_flight
        return old_enough and bool(record or self._findings)

    def _look_is_due(self, now: Micros) -> bool:
        if now - self._renewed_at >= RENEW:
            return True
        if any(lane.landed and not lane.has_queued and lane.is_hungry for lane in self._working.values()):
            return True
        if not self._client.in_flight:
            return not any(lane.has_queued for lane in self._working.values())
        return now - self._looked_at >= RECHECK and self._more_came(now)

    def _more_came(self, now: Micros) -> bool:
        """A cheap look, without a write, whether a lane with room has something due."""
        self._looked_at = now
        try:
            with self._store.read() as connection:
                due = due_webhooks(connection, self.held, now)
        except StoreUnavailableError:
            return False
        known = ((self._lanes.get(webhook.pk), webhook) for webhook in due)
        return any(lane is None or lane.runtime.version != found.version or lane.is_hungry for lane, found in known)

    def turn(self, admit: Iterable[int]) -> set[int]:
        """One write transaction; answers the partitions to admit again, because work came as they were given back.

        Raises:
            StoreUnavailableError: nothing was committed; what had landed is kept for the next turn.
        """
        now = self._clock()
        self._take_harmful_out()
        record, self._landing.record = self._landing.record, Record()
        record.contents = self._contents.take_fresh()
        wanted = set(admit) - self.held
        try:
            with self._store.write() as connection:
                held = renew_partitions(connection, self.held, self._token, now)
                fenced = write_record(connection, record, self._token)
                count_results(connection, record, now)
                self._findings.write(connection, now)
                write_faults(connection, record.faults, now)
                for pk, (state, reason) in self._landing.stops.items():
                    self._stops.stop(connection, pk, state=state, reason=reason, now=now)
                write_health(connection, self._watch.changes())
                taken = {
                    part for part in sorted(wanted) if take_partition(connection, part, self._token, now, self._seat)
                }
                held |= taken
                look = Look()
                if not self._stopping:
                    look = self._claiming.look(connection, held, self._lanes, self._lane_of, now)
                quiet = self._quiet(held, look)
                release_partitions(connection, quiet, self._token)
        except StoreUnavailableError:
            self._take_back(record)
            raise
        self._renewed_at = self._looked_at = now
        self.refused = wanted - taken
        if self._observing is not None:
            self._observing.tell(record.attempts, self._lanes)
        self._after_commit(held - quiet, look, fenced, now)
        return self._rung_meanwhile(quiet)

    def _take_harmful_out(self) -> None:
        for sink, reason in self._landing.harm.begin_round().items():
            self._loader.take_out(sink, reason)
            for lane in self._lanes.values():
                if lane.runtime.sink.info.name == sink:
                    self._landing.stop(lane, "paused", reason)

    def _take_back(self, record: Record) -> None:
        self._contents.put_back(record.contents)
        record.contents = []
        self._landing.record = record

    def _quiet(self, held: set[int], look: Look) -> set[int]:
        """Partitions with nothing due, queued, on the wire or to be asked about."""
        working = {lane.partition for lane in self._working.values() if not lane.is_idle}
        asking = self._confirming.partitions.union(lane.partition for lane, _ in look.receipts)
        return held - look.busy - working - asking

    def _after_commit(self, held: set[int], look: Look, fenced: int, now: Micros) -> None:
        for pk, (state, reason) in self._landing.stops.items():
            log.warning("webhook stopped", extra={"webhook": pk, "state": state, "reason": reason})
        self._landing.stops.clear()
        self._watch.written()
        self._findings.committed()
        if fenced:
            log.warning("late results refused", extra={"deliveries": fenced})
        self.held = held
        for lane, _ in (*look.claimed, *look.batches):
            self._working[lane.runtime.pk] = lane
        for lane, rows in look.claimed:
            self._queue(lane, rows, now)
        for lane, batch in look.batches:
            lane.outstanding += len(batch.members)
            self._queue_batch(lane, OpenBatch(batch.pk, due_at=batch.again_at), batch, now)
        for lane, receipts in look.receipts:
            self._confirming.add(lane, receipts)
        self._confirming.keep(held)
        self._drop_lanes()
        self.busy = {lane.partition for lane in self._working.values() if lane.has_queued} | (look.busy & held)

    def _rung_meanwhile(self, quiet: set[int]) -> set[int]:
        """The end-of-drain race: a ring may have found the partition still ours a moment before it was given back."""
        if not quiet or self._stopping:
            return set()
        try:
            with self._store.read() as connection:
                return {webhook.partition for webhook in due_webhooks(connection, quiet, self._clock())}
        except StoreUnavailableError:
            return quiet

    def _lane_of(self, runtime: WebhookRuntime, webhook: DueWebhook) -> Lane:
        lane = self._lanes.get(runtime.pk)
        if lane is None:
            lane = self._lanes[runtime.pk] = Lane(runtime, webhook.partition)
            lane.learn(webhook.health)
        elif lane.runtime is not runtime:
            if lane.runtime.version != runtime.version:
                lane.learn(webhook.health)
            lane.runtime = runtime
            lane.heads.clear()
            lane.stopped = False
            lane.harm = None
        return lane

    def _queue(self, lane: Lane, rows: list[Claimed], now: Micros) -> None:
        lane.outstanding += len(rows)
        for member in rows:
            load = Load((member,), now, is_retry=member.is_retry)
            if self._still_to_send(lane, member, alone=True):
                lane.add(load)

    def _still_to_send(self, lane: Lane, member: Claimed, *, alone: bool) -> bool:
        """Whether it is not what workers die of; if it is, it is set aside."""
        if not member.orphan:
            return True
        ruling = rule_on_lost_worker(member, alone=alone)
        if ruling.state is DeliveryState.PENDING:
            return True
        self._landing.set_aside(lane, member, ruling)
        return False

    def _queue_batch(self, lane: Lane, batch: OpenBatch, claimed: ClaimedBatch, now: Micros) -> None:
        formatted: list[tuple[Claimed, Item]] = []
        batch.parcels_left = 1
        for place, member in enumerate(claimed.members):
            if lane.stopped or self._landing.harm.by(lane.runtime.sink.info.name):
                self._give_back(lane, Load(claimed.members[place:], now, batch=batch), now)
                break
            load = Load((member,), now, batch=batch)
            if not self._still_to_send(lane, member, alone=claimed.alone):
                continue
            item = format_member(lane.runtime, member)
            if isinstance(item, Refused):
                self._landing.refuse(lane, load, member, refusal(item), now)
                self._landing.note_fault(lane, item.fault, now)
            else:
                formatted.append((member, item))
        runtime = lane.runtime
        for parcel in pack(
            runtime, claimed.id, formatted, event_count=claimed.event_count, max_bytes=runtime.batch_max_bytes
        ):
            batch.parcels_left += 1
            lane.add(Load(parcel.members, now, parcel, batch))
        self._landing.close_parcel(lane, Load((), now, batch=batch))

    def launch(self) -> None:
        """Start requests while slots are free; what cannot start soon is given back."""
        now = self._clock()
        waiting = [lane for lane in self._working.values() if lane.has_queued]
        for lane in waiting:
            if lane.stopped or lane.is_held(now):
                self._give_back_queue(lane)
            elif lane.is_overdue(now):
                lane.appetite = 1
                self._give_back_queue(lane)
        self._launching.launch([lane for lane in waiting if lane.has_queued])
        self._confirming.launch(now)

    def _give_back_queue(self, lane: Lane) -> None:
        now = self._clock()
        while loads := lane.take_all():
            for load in loads:
                self._give_back(lane, load, now)

    def _give_back(self, lane: Lane, load: Load, now: Micros) -> None:
        lane.outstanding -= len(load.members)
        self._landing.give_back(lane, load, now)

    def poll(self, timeout_s: float) -> None:
        """Let transfers go on for up to ``timeout_s`` and land what finished."""
        finished: list[Returned] = self._client.poll(timeout_s)
        if not finished:
            return
        now = self._clock()
        if not self._landing.record.settled:
            self._landed_at = now
        for returned in finished:
            lane = self._arrivals.take(returned, now)
            if lane.stopped or lane.is_held(now):
                self._give_back_queue(lane)

    def wait_s(self) -> float:
        """How long a poll may sleep before something here wants attention."""
        if self._landing.record.settled:
            return GROUP_AGE / SECOND
        if self.held:
            return RECHECK / SECOND
        return 1.0

    def begin_stop(self) -> None:
        """Claim nothing more, and give back what was not started."""
        self._stopping = True
        self._confirming.keep(())
        for lane in self._working.values():
            self._give_back_queue(lane)

    def _drop_lanes(self) -> None:
        """Forget lanes of partitions that are not ours any more, and lanes without work."""
        for pk, lane in list(self._lanes.items()):
            if lane.partition not in self.held:
                lane.take_all()
                del self._lanes[pk]
            elif lane.stopped and lane.is_idle:
                del self._lanes[pk]
        self._working = {pk: lane for pk, lane in self._working.items() if pk in self._lanes and not lane.is_idle}
