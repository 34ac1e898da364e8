"""Landing: a finished request becomes rows for the next group record."""

from __future__ import annotations

from collections.abc import Callable

from app.core.clock import Micros
from app.core.states import DeliveryState
from app.delivery.answers import outcome_per_member, read_answer
from app.delivery.contents import ContentLedger
from app.delivery.exchange import Returned
from app.delivery.lanes import Flight, Load
from app.delivery.packing import halves
from app.delivery.verdict import Jitter, Ruling, rule_on_failure, rule_on_outcome
from app.sinks.types import Verdict
from app.store.claim import Claimed
from app.store.record import AttemptRow, ExchangeRow, Record, Settled, SettledBatch

LONGEST_DETAIL = 500
"""Characters of a reason that are kept."""


def storable(text: str | None) -> str | None:
    """A reason as every database takes it: receivers' words may hold NUL or half a surrogate pair, or be endless."""
    if text is None:
        return None
    return text[:LONGEST_DETAIL].replace("\x00", "").encode("utf-8", "replace").decode()


class Landing:
    """Collects the rows of finished requests.

    Args:
        contents: where exact bytes get their digests.
        exchange_ids: answers a fresh exchange id.
        jitter: for retry times.
    """

    def __init__(self, contents: ContentLedger, exchange_ids: Callable[[], int], jitter: Jitter) -> None:
        self._contents = contents
        self._exchange_ids = exchange_ids
        self._jitter = jitter
        self.record = Record()
        self.stops: dict[int, tuple[str, str]] = {}
        """Webhooks that must be stopped with the next record: ``pk → (state, reason)``."""

    def land(self, flight: Flight, returned: Returned, now: Micros) -> None:
        """Rule on every delivery of a request and write down what happened."""
        exchange_id = self._note_exchange(flight, returned, now)
        lane = flight.lane
        runtime = lane.runtime
        lane.in_flight -= 1
        if returned.failure is not None:
            for member in flight.parcel.members:
                ruling = rule_on_failure(returned.failure, member.tries, runtime.schedule, now, self._jitter)
                self._settle(flight, member, ruling, returned, exchange_id)
        else:
            outcome = read_answer(runtime, returned, flight.parcel)
            if outcome.verdict is Verdict.SPLIT:
                self._split(flight)
                return
            for member, single in zip(flight.parcel.members, outcome_per_member(outcome, flight.parcel), strict=True):
                ruling = rule_on_outcome(single, member.tries, runtime.schedule, now, self._jitter)
                self._settle(flight, member, ruling, returned, exchange_id)
        lane.outstanding -= len(flight.parcel.members)
        lane.landed += len(flight.parcel.members)
        self.close_parcel(flight.load)

    def send_again(self, flight: Flight, returned: Returned, now: Micros) -> None:
        """The same request goes out once more, with a fresh access token; the exchange is kept, no attempt counted."""
        self._note_exchange(flight, returned, now)
        load = flight.load
        flight.lane.in_flight -= 1
        flight.lane.queue.appendleft(Load(load.members, load.claimed_at, flight.parcel, load.batch))

    def refuse(self, load: Load, member: Claimed, ruling: Ruling, now: Micros) -> None:
        """Write down a delivery that was ruled on before anything was sent."""
        self.record.attempts.append(_attempt(member, ruling, now))
        self._add_settled(load, member, ruling)
        self._stop(member, ruling)

    def lost_attempt(self, member: Claimed, ruling: Ruling, now: Micros) -> None:
        """Write down the attempt of a worker that died; the delivery itself goes on with the present attempt."""
        self.record.attempts.append(_attempt(member, ruling, now, n=member.attempt - 1))

    def give_back(self, load: Load, now: Micros) -> None:
        """Return claimed deliveries that were never tried."""
        for member in load.members:
            due_at = None if load.batch else member.due_at
            self.record.settled.append(
                Settled(
                    member.webhook_pk,
                    member.event_seq,
                    DeliveryState.PENDING,
                    due_at,
                    attempts_undone=1,
                    tries_undone=1,
                )
            )
        if load.batch:
            load.batch.due_at = now
            self.close_parcel(load)

    def close_parcel(self, load: Load) -> None:
        """One parcel of a batch is done; the last one settles the batch."""
        batch = load.batch
        if batch is None:
            return
        batch.parcels_left -= 1
        if not batch.parcels_left:
            self.record.batches.append(SettledBatch(batch.pk, batch.due_at))

    def _split(self, flight: Flight) -> None:
        load = flight.load
        for half in reversed(halves(flight.parcel)):
            flight.lane.queue.appendleft(Load(half.members, load.claimed_at, half, load.batch))
        if load.batch:
            load.batch.parcels_left += 1

    def _settle(self, flight: Flight, member: Claimed, ruling: Ruling, returned: Returned, exchange_id: int) -> None:
        row = _attempt(member, ruling, flight.started_at, status=returned.status or None, exchange_id=exchange_id)
        self.record.attempts.append(row)
        self._add_settled(flight.load, member, ruling)
        flight.lane.stopped |= self._stop(member, ruling)

    def _stop(self, member: Claimed, ruling: Ruling) -> bool:
        """Notes that the webhook itself must stop, if the ruling says so."""
        if ruling.stop_webhook:
            reason = storable(ruling.detail) or "the receiver refuses everything"
            self.stops[member.webhook_pk] = (ruling.stop_webhook, reason)
        return bool(ruling.stop_webhook)

    def _add_settled(self, load: Load, member: Claimed, ruling: Ruling) -> None:
        due_at = ruling.due_at
        if load.batch:
            if due_at is not None:
                load.batch.due_at = max(due_at, load.batch.due_at or 0)
            due_at = None
        reason = None if ruling.state is DeliveryState.DELIVERED else storable(ruling.detail)
        self.record.settled.append(
            Settled(member.webhook_pk, member.event_seq, ruling.state, due_at, reason, tries_undone=ruling.tries_undone)
        )

    def _note_exchange(self, flight: Flight, returned: Returned, now: Micros) -> int:
        exchange_id = self._exchange_ids()
        digest = self._contents.digest
        timings = returned.timings
        self.record.exchanges.append(
            ExchangeRow(
                exchange_id,
                flight.lane.runtime.pk,
                flight.started_at,
                flight.parcel.message_id,
                flight.signature,
                flight.head_digest,
                flight.body_digest,
                digest(returned.head, now) if returned.head else None,
                digest(returned.body, now) if returned.body else None,
                returned.truncated,
                returned.peer,
                timings.dns,
                timings.connect,
                timings.tls,
                timings.first_byte,
                timings.total,
            )
        )
        return exchange_id


def _attempt(
    member: Claimed,
    ruling: Ruling,
    started_at: Micros,
    *,
    n: int | None = None,
    status: int | None = None,
    exchange_id: int | None = None,
) -> AttemptRow:
    return AttemptRow(
        member.webhook_pk,
        member.event_seq,
        member.attempt if n is None else n,
        started_at,
        ruling.outcome,
        status,
        exchange_id,
        ruling.error_class,
        storable(ruling.detail),
    )
