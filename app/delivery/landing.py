"""Landing: a finished request becomes rows for the next group record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.core.clock import AT_ONCE, MINUTE, Micros
from app.core.states import ASKED_FOR, AttemptCause, DeliveryState
from app.delivery.answers import outcome_per_member, read_answer, receipt_in, span_of
from app.delivery.contents import ContentLedger
from app.delivery.echoes import masked
from app.delivery.exchange import Returned, TransferFailure
from app.delivery.harm import Harm
from app.delivery.isolation import halves_to_release, patience_after, wants_halves, without_patience
from app.delivery.lanes import Flight, Lane, Load
from app.delivery.packing import Parcel, halves
from app.delivery.plugin_border import PluginFault, PluginFaultError
from app.delivery.receiver_watch import ReceiverWatch
from app.delivery.storable import storable
from app.delivery.verdict import Jitter, Ruling, rule_on_failure, rule_on_lost_worker, rule_on_outcome
from app.sinks.types import Outcome, Verdict
from app.store.claim import Claimed
from app.store.plugin_faults import PluginFaultRow
from app.store.receipts import ReceiptRow
from app.store.record import AttemptRow, BatchRequestRow, ExchangeRow, Record, Settled, SettledBatch

log = logging.getLogger(__name__)

FAULT_PAUSE = MINUTE
"""A fault that is met again and again is logged so seldom; it is counted every time."""


class Landing:
    """Collects the rows of finished requests.

    Args:
        contents: where exact bytes get their digests.
        exchange_ids: answers a fresh exchange id.
        watch: told how every request ended.
        jitter: for retry times.
    """

    def __init__(
        self, contents: ContentLedger, exchange_ids: Callable[[], int], watch: ReceiverWatch, jitter: Jitter
    ) -> None:
        self._contents = contents
        self._exchange_ids = exchange_ids
        self._watch = watch
        self._jitter = jitter
        self.record = Record()
        self.stops: dict[int, tuple[str, str]] = {}
        """Webhooks that must be stopped with the next record: ``pk → (state, reason)``."""
        self.harm = Harm()
        self._told: dict[tuple[str, str], Micros] = {}

    def land(self, flight: Flight, returned: Returned, now: Micros) -> None:
        """Rule on every delivery of a request and write down what happened."""
        exchange_id = self._note_exchange(flight, returned, now)
        lane, members = flight.lane, flight.parcel.members
        lane.finish(flight.load)
        if returned.failure is not None:
            self._note_request(flight, exchange_id, None, str(returned.failure.kind), returned.failure.detail)
            rulings = self._rule_on_failure(lane, members, returned.failure, flight.started_at, now)
        else:
            outcome, fault = read_answer(lane.runtime, returned, flight.parcel, now, harm=self._harm_by(lane))
            self.note_fault(lane, fault, now)
            self._note_request(flight, exchange_id, returned.status, str(outcome.verdict), outcome.reason)
            if self.halved(lane, flight.load, flight.parcel, outcome):
                return
            outcome = without_patience(outcome, len(members))
            rulings = self._rule_on_answer(flight, returned, outcome, exchange_id, now)
        for member, ruling in zip(members, rulings, strict=True):
            self._settle(flight, member, ruling, returned, exchange_id)
        if lane.health.is_given_up(now):
            self.stop(lane, "disabled", f"no success for five days: {lane.health.reason}")
        lane.outstanding -= len(members)
        lane.landed += len(members)
        self.close_parcel(lane, flight.load)

    def halved(self, lane: Lane, load: Load, parcel: Parcel, outcome: Outcome) -> bool:
        """Queue a parcel of a batch again as two, if its outcome asks for that and the batch has patience left."""
        batch = load.batch
        if batch is None:
            return False
        batch.patience = patience_after(batch.patience, outcome, len(parcel.items))
        if not wants_halves(outcome, len(parcel.items), batch.patience):
            return False
        first, second = (replace(load, members=half.members, parcel=half) for half in halves(parcel))
        lane.put_back(first)
        batch.aside.append(second)
        batch.parcels_left += 1
        return True

    def send_again(self, flight: Flight, returned: Returned, now: Micros) -> None:
        """The same request goes out once more, with a fresh access token; the exchange is kept, no attempt counted."""
        self._note_exchange(flight, returned, now)
        load = flight.load
        flight.lane.finish(load)
        flight.lane.put_back(replace(load, parcel=flight.parcel))

    def unsent(self, lane: Lane, load: Load, trouble: Outcome | TransferFailure, now: Micros) -> None:
        """Rule on deliveries that could not be sent, because the request that prepares it came to nothing."""
        members, schedule = load.members, lane.runtime.schedule
        if isinstance(trouble, Outcome):
            self._watch.answered(lane, (trouble,), now, now)
            rulings = [rule_on_outcome(trouble, member, schedule, now, self._jitter) for member in members]
        else:
            rulings = self._rule_on_failure(lane, members, trouble, now, now)
        for member, ruling in zip(members, rulings, strict=True):
            self.refuse(lane, load, member, ruling, now)
        self.close_parcel(lane, load)

    def _rule_on_failure(
        self, lane: Lane, members: Sequence[Claimed], failure: TransferFailure, started_at: Micros, now: Micros
    ) -> list[Ruling]:
        self._watch.failed(lane, failure, started_at, now)
        schedule = lane.runtime.schedule
        works = self._watch.resolver_works(now)
        return [
            rule_on_failure(failure, member, schedule, now, self._jitter, resolver_works=works) for member in members
        ]

    def _rule_on_answer(
        self, flight: Flight, returned: Returned, outcome: Outcome, exchange_id: int, now: Micros
    ) -> list[Ruling]:
        lane, members = flight.lane, flight.parcel.members
        if returned.timings.dns:
            self._watch.resolved(lane, now)
        self._watch.answered(lane, outcome.items or (outcome,), flight.started_at, now)
        singles = outcome_per_member(outcome, flight.parcel)
        schedule = lane.runtime.schedule
        has_receipt = self._keep_receipt(flight, returned, singles, exchange_id, now)
        return [
            rule_on_outcome(single, member, schedule, now, self._jitter, has_receipt=has_receipt)
            for member, single in zip(members, singles, strict=True)
        ]

    def _keep_receipt(
        self, flight: Flight, returned: Returned, singles: Sequence[Outcome], exchange_id: int, now: Micros
    ) -> bool:
        """Write down the receipt of a request that was accepted and is confirmed later; answers if there is one."""
        runtime = flight.lane.runtime
        policy = runtime.confirmation
        if policy is None or not any(one.verdict is Verdict.ACCEPTED_UNCONFIRMED for one in singles):
            return False
        try:
            receipt = None if self._harm_by(flight.lane) else receipt_in(runtime, returned)
        except PluginFaultError as error:
            self.note_fault(flight.lane, error.fault, now)
            return False
        if receipt is None:
            return False
        numbers = [member.event_seq for member in flight.parcel.members]
        batch = flight.load.batch
        self.record.receipts.append(
            ReceiptRow(
                exchange_id,
                runtime.pk,
                min(numbers),
                max(numbers),
                None if batch is None else batch.pk,
                runtime.place,
                receipt.channel,
                receipt.id,
                now,
                now + span_of(policy.poll_s),
                now + span_of(policy.expires_s),
            )
        )
        return True

    def refuse(self, lane: Lane, load: Load, member: Claimed, ruling: Ruling, now: Micros) -> None:
        """Write down a delivery that was ruled on before anything was sent.

        A strictly ordered webhook is paused rather than let its other deliveries pass one that is set aside.
        """
        self.record.attempts.append(_attempt(member, ruling, now, cause=member.present_cause))
        self._apply(lane, load, member, ruling)
        lane.outstanding -= 1
        if lane.runtime.head_blocks and ruling.state is DeliveryState.PARKED:
            self.stop(lane, "paused", f"its head is parked: {ruling.detail}")

    def note_fault(self, lane: Lane, fault: PluginFault | None, now: Micros) -> None:
        """Write down what a plugin did wrong. A webhook whose sink harms its neighbours sends no more."""
        if fault is None or fault is self._harm_by(lane):
            return
        if now - self._told.get((fault.sink, fault.reason), 0) >= FAULT_PAUSE:
            self._told[fault.sink, fault.reason] = now
            log.warning("plugin failed", extra={"webhook": lane.runtime.id, "reason": fault.reason})
        self.record.faults.append(PluginFaultRow(fault.sink, fault.call, fault.error, lane.runtime.id))
        if fault.harmful:
            lane.harm = fault
            self.harm.note(fault)
            self.stop(lane, "paused", fault.reason)

    def _harm_by(self, lane: Lane) -> PluginFault | None:
        return lane.harm or self.harm.by(lane.runtime.sink.info.name)

    def set_aside(self, lane: Lane, member: Claimed, ruling: Ruling) -> None:
        """End a delivery that worker after worker died with. There is no attempt: nothing was tried this time."""
        self.record.settled.append(
            Settled(member.webhook_pk, member.event_seq, ruling.state, None, ruling.detail, attempts_undone=1)
        )
        lane.outstanding -= 1

    def give_back(self, lane: Lane, load: Load, now: Micros) -> None:
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
                    cause=member.present_cause,
                )
            )
        if load.batch:
            load.batch.due_at = now
            self.close_parcel(lane, load)

    def close_parcel(self, lane: Lane, load: Load) -> None:
        """One parcel of a batch is done; the last one settles the batch."""
        batch = load.batch
        if batch is None:
            return
        batch.parcels_left -= 1
        for _ in range(min(len(batch.aside), halves_to_release(batch.patience))):
            lane.put_back(batch.aside.pop())
        if not batch.parcels_left:
            self.record.batches.append(SettledBatch(batch.pk, batch.due_at))

    def _settle(self, flight: Flight, member: Claimed, ruling: Ruling, returned: Returned, exchange_id: int) -> None:
        cause = member.present_cause
        if flight.is_probe and cause not in ASKED_FOR:
            cause = AttemptCause.PROBE
        status = returned.status or None
        row = _attempt(member, ruling, flight.started_at, cause=cause, status=status, exchange_id=exchange_id)
        self.record.attempts.append(row)
        self._apply(flight.lane, flight.load, member, ruling)

    def _apply(self, lane: Lane, load: Load, member: Claimed, ruling: Ruling) -> None:
        due_at = ruling.due_at
        if due_at is not None and lane.runtime.head_blocks:
            self._watch.hold_for_head(lane, due_at)
            due_at = AT_ONCE
        self._add_settled(load, member, ruling, due_at)
        if ruling.stop_webhook:
            self.stop(lane, ruling.stop_webhook, ruling.detail or "the receiver refuses everything")

    def stop(self, lane: Lane, state: str, reason: str) -> None:
        """Stop a webhook with the next record, and send nothing more of it until then."""
        self.stops[lane.runtime.pk] = (state, storable(reason) or "")
        lane.stopped = True

    def _add_settled(self, load: Load, member: Claimed, ruling: Ruling, due_at: Micros | None) -> None:
        if load.batch:
            if due_at is not None:
                load.batch.due_at = max(due_at, load.batch.due_at or 0)
            due_at = None
        reason = None if ruling.state is DeliveryState.DELIVERED else storable(ruling.detail)
        self.record.settled.append(
            Settled(
                member.webhook_pk,
                member.event_seq,
                ruling.state,
                due_at,
                reason,
                tries_undone=ruling.tries_undone,
                cause=ruling.cause,
            )
        )

    def _note_request(self, flight: Flight, exchange_id: int, status: int | None, verdict: str, detail: str) -> None:
        batch = flight.load.batch
        if batch:
            count = len(flight.parcel.members)
            row = BatchRequestRow(exchange_id, batch.pk, count, status, verdict, storable(detail) or None)
            self.record.batch_requests.append(row)

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
                digest(masked(returned.head, flight.credentials), now) if returned.head else None,
                digest(masked(returned.body, flight.credentials), now) if returned.body else None,
                returned.truncated,
                returned.peer,
                timings.dns,
                timings.connect,
                timings.tls,
                timings.first_byte,
                timings.total,
                returned.tls_version or None,
            )
        )
        return exchange_id


def lost_attempt(member: Claimed, now: Micros, *, alone: bool) -> AttemptRow:
    """The earlier attempt of a delivery whose worker died; the delivery itself goes on with the present one."""
    former = member._replace(attempt=member.attempt - 1)
    return _attempt(former, rule_on_lost_worker(member, alone=alone), now, cause=member.cause)


def _attempt(
    member: Claimed,
    ruling: Ruling,
    started_at: Micros,
    *,
    cause: int,
    status: int | None = None,
    exchange_id: int | None = None,
) -> AttemptRow:
    return AttemptRow(
        member.webhook_pk,
        member.event_seq,
        member.attempt,
        started_at,
        ruling.outcome,
        status,
        exchange_id,
        ruling.error_class,
        storable(ruling.detail),
        cause,
    )
