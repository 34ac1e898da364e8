"""The drain: the pipeline of one worker process, on one thread.

Each round has three steps. *Turn*: one write transaction that records what landed, renews the leases, claims what is
due and gives quiet partitions back. *Launch*: start requests while slots are free. *Poll*: let libcurl work, and land
what finished. Nothing here waits for one receiver.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from itertools import count

import orjson

from app.core.clock import SECOND, Clock, Micros
from app.core.errors import StoreUnavailableError
from app.core.ids import RandomBytes, delivery_id
from app.core.shown_url import MASK, shown_url
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.access import TokenDesk, TokenErrand
from app.delivery.claiming import Claiming, Look
from app.delivery.contents import ContentLedger
from app.delivery.egress import EgressClient
from app.delivery.exchange import Returned
from app.delivery.landing import Landing
from app.delivery.lanes import Flight, Lane, Load, OpenBatch
from app.delivery.packing import Parcel, Refused, format_member, outgoing, pack, signed_headers
from app.delivery.runtime import RuntimeLoader, WebhookRuntime
from app.delivery.verdict import JITTER, Jitter, Ruling, rule_on_failure, rule_on_lost_worker, rule_on_outcome
from app.sinks.types import Item, OutboundRequest, Outcome
from app.store import Store
from app.store.claim import Claimed, ClaimedBatch, due_webhooks
from app.store.holds import stop_webhook
from app.store.partitions import PARTITION_LEASE, release_partitions, renew_partitions, take_partition
from app.store.record import Record, write_record

log = logging.getLogger(__name__)

GROUP = 400
"""Settled deliveries that make a group worth its commit."""
GROUP_AGE: Micros = 4_000
"""Longest a landed result waits for its group (4 ms)."""
RECHECK: Micros = 20_000
"""How often held partitions are looked at again while transfers are in flight: their rings may be heard elsewhere."""
RENEW: Micros = PARTITION_LEASE // 4
_EXCHANGE_BITS = 32


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
    ) -> None:
        self._store = store
        self._client = client
        self._token = token
        self._jitter = jitter
        self._seat = seat
        self._clock = clock
        self._claiming = Claiming(loader, token, random_bytes)
        self._tokens = TokenDesk(client)
        self._contents = ContentLedger()
        numbers = count(token << _EXCHANGE_BITS)
        self._landing = Landing(self._contents, lambda: next(numbers), jitter)
        self._lanes: dict[int, Lane] = {}
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
        return not self.held and not self._landing.record and not self._client.in_flight

    def turn_is_due(self, *, admitting: bool) -> bool:
        """Whether a write transaction is worth its price now."""
        now = self._clock()
        return admitting or self._record_is_due(now) or (bool(self.held) and self._look_is_due(now))

    def _record_is_due(self, now: Micros) -> bool:
        record = self._landing.record
        if len(record.settled) >= GROUP:
            return True
        old_enough = now - self._landed_at >= GROUP_AGE or not self._client.in_flight
        return old_enough and bool(record)

    def _look_is_due(self, now: Micros) -> bool:
        if now - self._renewed_at >= RENEW:
            return True
        if any(lane.landed and not lane.queue and lane.is_hungry for lane in self._lanes.values()):
            return True
        if not self._client.in_flight:
            return not any(lane.queue for lane in self._lanes.values())
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
        record, self._landing.record = self._landing.record, Record()
        record.contents = self._contents.take_fresh()
        wanted = set(admit) - self.held
        try:
            with self._store.write() as connection:
                held = renew_partitions(connection, self.held, self._token, now)
                fenced = write_record(connection, record, self._token)
                for pk, (state, reason) in self._landing.stops.items():
                    stop_webhook(connection, pk, state=state, reason=reason, now=now)
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
        self._after_commit(held - quiet, look, fenced, now)
        return self._rung_meanwhile(quiet)

    def _take_back(self, record: Record) -> None:
        self._contents.put_back(record.contents)
        record.contents = []
        self._landing.record = record

    def _quiet(self, held: set[int], look: Look) -> set[int]:
        """Partitions with nothing due, queued or on the wire."""
        working = {lane.partition for lane in self._lanes.values() if not lane.is_idle}
        return held - look.busy - working

    def _after_commit(self, held: set[int], look: Look, fenced: int, now: Micros) -> None:
        for pk, (state, reason) in self._landing.stops.items():
            log.warning("webhook stopped", extra={"webhook": pk, "state": state, "reason": reason})
        self._landing.stops.clear()
        if fenced:
            log.warning("late results refused", extra={"deliveries": fenced})
        self.held = held
        for lane, rows in look.claimed:
            self._queue(lane, rows, now)
        for lane, batch in look.batches:
            lane.outstanding += len(batch.members)
            self._queue_batch(lane, OpenBatch(batch.pk), batch, now)
        self._drop_lanes()
        self.busy = {lane.partition for lane in self._lanes.values() if lane.queue} | (look.busy & held)

    def _rung_meanwhile(self, quiet: set[int]) -> set[int]:
        """The end-of-drain race: a ring may have found the partition still ours a moment before it was given back."""
        if not quiet or self._stopping:
            return set()
        try:
            with self._store.read() as connection:
                return {webhook.partition for webhook in due_webhooks(connection, quiet, self._clock())}
        except StoreUnavailableError:
            return quiet

    def _lane_of(self, runtime: WebhookRuntime, partition: int) -> Lane:
        lane = self._lanes.get(runtime.pk)
        if lane is None:
            lane = self._lanes[runtime.pk] = Lane(runtime, partition)
        elif lane.runtime.version != runtime.version or lane.runtime is not runtime:
            lane.runtime = runtime
            lane.heads.clear()
            lane.stopped = False
        return lane

    def _queue(self, lane: Lane, rows: list[Claimed], now: Micros) -> None:
        lane.outstanding += len(rows)
        for member in rows:
            load = Load((member,), now)
            if self._still_to_send(lane, load, member, now):
                lane.queue.append(load)

    def _still_to_send(self, lane: Lane, load: Load, member: Claimed, now: Micros) -> bool:
        """Write down the attempt that a dead worker left open; False when that was the last one."""
        if not member.orphan:
            return True
        lost = rule_on_lost_worker(member.tries - 1, lane.runtime.schedule, now)
        self._landing.lost_attempt(member, lost, now)
        if lost.state is not DeliveryState.FAILED:
            return True
        self._refuse(lane, load, member, lost, now)
        return False

    def _queue_batch(self, lane: Lane, batch: OpenBatch, claimed: ClaimedBatch, now: Micros) -> None:
        formatted: list[tuple[Claimed, Item]] = []
        batch.parcels_left = 1
        for member in claimed.members:
            load = Load((member,), now, batch=batch)
            if not self._still_to_send(lane, load, member, now):
                continue
            item = format_member(lane.runtime, member)
            if isinstance(item, Refused):
                self._refuse(lane, load, member, _refusal(item), now)
            else:
                formatted.append((member, item))
        runtime = lane.runtime
        for parcel in pack(
            runtime, claimed.id, formatted, event_count=claimed.event_count, max_bytes=runtime.batch_max_bytes
        ):
            batch.parcels_left += 1
            lane.queue.append(Load(parcel.members, now, parcel, batch))
        self._landing.close_parcel(Load((), now, batch=batch))

    def launch(self) -> None:
        """Start requests while slots are free, taking turns between lanes."""
        now = self._clock()
        waiting = [lane for lane in self._lanes.values() if lane.queue]
        for lane in waiting:
            if lane.stopped or lane.is_overdue(now):
                lane.appetite = 1
                self._give_back_queue(lane)
        while self._client.capacity:
            waiting = [
                lane for lane in waiting if lane.queue and lane.may_start(now) and self._tokens.admits(lane, now)
            ]
            if not waiting:
                break
            for lane in waiting[: self._client.capacity]:
                self._start(lane, lane.queue.popleft())

    def _may_start(self, lane: Lane, now: Micros) -> bool:
        return bool(lane.queue) and lane.may_start(now) and self._tokens.admits(lane, now)

    def _start(self, lane: Lane, load: Load) -> None:
        runtime = lane.runtime
        now = self._clock()
        parcel = load.parcel
        if parcel is None:
            member = load.members[0]
            item = format_member(runtime, member)
            if isinstance(item, Refused):
                self._refuse(lane, load, member, _refusal(item), now)
                return
            parcel = Parcel(delivery_id(runtime.id, member.event_seq), load.members, (item,))
        binding = self._tokens.binding(runtime, now)
        try:
            request = runtime.sink.build_request(parcel.items, binding)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; only these deliveries suffer
            reason = f"sink {runtime.sink.info.name} failed to build the request: {type(error).__name__}"
            for member in parcel.members:
                self._refuse(lane, load, member, _refusal(Refused(member, reason, broken=True)), now)
            self._landing.close_parcel(load)
            return
        same_bytes = load.batch is None and request.body is parcel.members[0].body
        body_digest = None if same_bytes else self._contents.digest(request.shown_body, now)
        headers, signature = signed_headers(runtime, request, parcel.message_id, now)
        flight = Flight(
            lane, load, parcel, now, signature, self._head_digest(lane, request, now), body_digest, binding.access_token
        )
        lane.spend()
        self._client.start(outgoing(flight, request, headers))

    def _head_digest(self, lane: Lane, request: OutboundRequest, now: Micros) -> bytes:
        varying = (request.method, request.url, request.headers)
        head = lane.heads.get(varying)
        if head is None:
            head = lane.heads[varying] = redacted_head(lane.runtime, request)
        return self._contents.digest(head, now)

    def _refuse(self, lane: Lane, load: Load, member: Claimed, ruling: Ruling, now: Micros) -> None:
        self._landing.refuse(load, member, ruling, now)
        lane.outstanding -= 1

    def _give_back_queue(self, lane: Lane) -> None:
        now = self._clock()
        while lane.queue:
            load = lane.queue.popleft()
            lane.outstanding -= len(load.members)
            self._landing.give_back(load, now)

    def poll(self, timeout_s: float) -> None:
        """Let transfers go on for up to ``timeout_s`` and land what finished."""
        finished: list[Returned] = self._client.poll(timeout_s)
        if not finished:
            return
        now = self._clock()
        if not self._landing.record.settled:
            self._landed_at = now
        for returned in finished:
            if isinstance(returned.key, TokenErrand):
                self._take_token(returned.key, returned, now)
            else:
                self._land(returned.key, returned, now)

    def _land(self, flight: Flight, returned: Returned, now: Micros) -> None:
        runtime, used = flight.lane.runtime, flight.access_token
        if returned.status == HTTPStatus.UNAUTHORIZED and self._tokens.refused(runtime, used):
            self._landing.send_again(flight, returned, now)
            return
        if returned.failure is None and returned.status != HTTPStatus.UNAUTHORIZED:
            self._tokens.accepted(runtime, used)
        self._landing.land(flight, returned, now)
        if flight.lane.stopped:
            self._give_back_queue(flight.lane)

    def _take_token(self, errand: TokenErrand, returned: Returned, now: Micros) -> None:
        """Without a token, what waits for it is ruled on as if it had been sent and come to nothing."""
        trouble = self._tokens.take(errand, returned, now)
        if trouble is None:
            return
        lane = errand.lane
        schedule = errand.runtime.schedule
        while lane.queue:
            load = lane.queue.popleft()
            for member in load.members:
                if isinstance(trouble, Outcome):
                    ruling = rule_on_outcome(trouble, member.tries, schedule, now, self._jitter)
                else:
                    ruling = rule_on_failure(trouble, member.tries, schedule, now, self._jitter)
                self._refuse(lane, load, member, ruling, now)
                lane.stopped |= bool(ruling.stop_webhook)
            self._landing.close_parcel(load)

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
        for lane in self._lanes.values():
            self._give_back_queue(lane)

    def _drop_lanes(self) -> None:
        """Forget lanes of partitions that are not ours any more, and lanes without work."""
        for pk, lane in list(self._lanes.items()):
            if lane.partition not in self.held:
                lane.queue.clear()
                del self._lanes[pk]
            elif lane.stopped and lane.is_idle:
                del self._lanes[pk]


def _refusal(refused: Refused) -> Ruling:
    if refused.broken:
        return Ruling(DeliveryState.PARKED, AttemptOutcome.OUR_FAULT, None, "plugin_failed", refused.reason, 1)
    return Ruling(DeliveryState.FAILED, AttemptOutcome.REJECTED, None, "rejected", refused.reason)


def redacted_head(runtime: WebhookRuntime, request: OutboundRequest) -> bytes:
    """Method, URL and headers as history keeps them: the user's and the sink's secret values masked."""
    headers = [[name, MASK if name.lower() in request.secret_headers else value] for name, value in request.headers]
    headers += [[name, MASK] for name, _ in runtime.headers]
    url = runtime.endpoint_shown
    if request.url != runtime.binding.endpoint_url:
        url = shown_url(request.url, secret_path=runtime.sink.info.secret_url)
    return orjson.dumps({"method": request.method, "url": url, "headers": headers})
