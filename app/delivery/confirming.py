"""Confirming: receivers are asked about the receipts they gave, beside the deliveries and never waited for.

One question per webhook is on the wire at a time. It goes through the same client as everything else, with the
webhook's own headers; it carries no signature, because it is none of our messages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from pydantic import SecretStr

from app.core.clock import SECOND, Micros
from app.core.retry import MAX_RETRY_AFTER_S
from app.delivery.access import TokenDesk
from app.delivery.answers import parse_head, span_of
from app.delivery.confirmed import Expired, Findings
from app.delivery.egress import EgressClient
from app.delivery.exchange import FailureClass, Returned, TransferFailure
from app.delivery.landing import Landing
from app.delivery.lanes import Lane
from app.delivery.packing import outgoing
from app.delivery.plugin_border import PluginFault, PluginFaultError, confirm_request, read_confirmation
from app.delivery.runtime import WebhookRuntime
from app.delivery.storable import storable
from app.sinks.confirmations import MOST_RECEIPTS, Confirmation, Confirms, Receipt
from app.sinks.types import Answer, Outcome, Verdict
from app.store.receipts import ReceiptRow

LONGEST_POLL_S = 600
"""Between two questions to a receiver that does not answer them; the waits double up to this."""
_STOPPING = frozenset({FailureClass.BLOCKED, FailureClass.CONFIGURATION})
_WAITING = frozenset({Verdict.RETRY, Verdict.THROTTLE})
_LOST = "the receiver can no longer be asked whether it has it"


@dataclass(frozen=True, slots=True)
class ConfirmErrand:
    """The handle of a question on the wire."""

    lane: Lane
    runtime: WebhookRuntime
    rows: tuple[ReceiptRow, ...]
    access_token: SecretStr | None = field(repr=False)


class Confirming:
    """Asks about receipts.

    Args:
        client: the road out.
        tokens: says which webhooks have the access token they need.
        landing: told of webhooks that must stop.
        findings: gets what was learned.
    """

    def __init__(self, client: EgressClient, tokens: TokenDesk, landing: Landing, findings: Findings) -> None:
        self._client = client
        self._tokens = tokens
        self._landing = landing
        self._findings = findings
        self._questions: dict[int, tuple[Lane, tuple[ReceiptRow, ...]]] = {}
        self._asked: dict[int, Lane] = {}
        self._failures: dict[int, int] = {}

    def is_asking(self, webhook_pk: int) -> bool:
        """Whether a webhook has a question on the wire or about to leave, or an answer that is not recorded yet."""
        return webhook_pk in self._questions or webhook_pk in self._asked or self._findings.concern(webhook_pk)

    @property
    def partitions(self) -> set[int]:
        """The partitions with a question."""
        lanes = [*self._asked.values(), *(lane for lane, _ in self._questions.values())]
        return {lane.partition for lane in lanes}

    def keep(self, held: Collection[int]) -> None:
        """Forget what was not asked yet for partitions that are not ours any more."""
        for pk, (lane, _) in list(self._questions.items()):
            if lane.partition not in held:
                del self._questions[pk]

    def add(self, lane: Lane, rows: Sequence[ReceiptRow]) -> None:
        """Take receipts of one webhook that are due: those of the first one's channel make the next question."""
        known = [row for row in rows if row.receipt is not None and row.place == lane.runtime.place]
        if not isinstance(lane.runtime.sink, Confirms):
            known = []
        lost = set(rows).difference(known)
        self._findings.expired += [Expired(lane, row, _LOST) for row in rows if row in lost]
        if known:
            chosen = tuple(row for row in known if row.channel == known[0].channel)
            self._questions[lane.runtime.pk] = (lane, chosen[:MOST_RECEIPTS])

    def launch(self, now: Micros) -> None:
        """Send the questions that may leave now."""
        for pk, (lane, rows) in list(self._questions.items()):
            if lane.stopped:
                del self._questions[pk]
            elif self._client.capacity and self._tokens.admits(lane, now):
                del self._questions[pk]
                self._ask(lane, rows, now)

    def _ask(self, lane: Lane, rows: tuple[ReceiptRow, ...], now: Micros) -> None:
        runtime = lane.runtime
        binding = self._tokens.binding(runtime, now)
        try:
            request = confirm_request(runtime.sink, _receipts(rows), binding)
        except PluginFaultError as error:
            self._failed(lane, rows, error.fault, now)
            return
        if request is None:
            self._findings.expired += [Expired(lane, row, _LOST) for row in rows]
            return
        self._asked[runtime.pk] = lane
        errand = ConfirmErrand(lane, runtime, rows, binding.access_token)
        self._client.start(outgoing(errand, request, (*request.headers, *runtime.headers)))

    def take(self, errand: ConfirmErrand, returned: Returned, now: Micros) -> None:
        """Act on what came back."""
        lane, rows, runtime = errand.lane, errand.rows, errand.runtime
        self._asked.pop(runtime.pk, None)
        if returned.status == HTTPStatus.UNAUTHORIZED and self._tokens.refused(runtime, errand.access_token):
            self._questions[runtime.pk] = (lane, rows)
            return
        try:
            found = read_confirmed(runtime, returned, rows)
        except PluginFaultError as error:
            self._failed(lane, rows, error.fault, now)
            return
        if isinstance(found, Outcome | TransferFailure):
            self._without_word(lane, rows, found, now)
            return
        self._failures.pop(runtime.pk, None)
        poll_at = now + span_of(_policy(runtime).poll_s)
        for row in rows:
            if row.receipt in found:
                self._findings.confirmed.append(
                    (row, f"confirmed {_seconds(now - row.accepted_at)} after it was taken")
                )
            elif row.expires_at <= now:
                words = (
                    f"the receiver took it and did not confirm it within {_seconds(row.expires_at - row.accepted_at)}"
                )
                self._findings.expired.append(Expired(lane, row, words))
            else:
                self._findings.later.append(row._replace(poll_at=poll_at, trouble=None))

    def without_token(self, lane: Lane, trouble: Outcome | TransferFailure, now: Micros) -> None:
        """No access token came; what was to be asked waits as if the receiver had not answered."""
        question = self._questions.pop(lane.runtime.pk, None)
        if question is not None:
            self._without_word(*question, trouble, now)

    def _failed(self, lane: Lane, rows: Sequence[ReceiptRow], fault: PluginFault, now: Micros) -> None:
        self._landing.note_fault(lane, fault, now)
        self._without_word(lane, rows, Outcome(Verdict.SINK_BROKEN, fault.reason), now)

    def _without_word(
        self, lane: Lane, rows: Sequence[ReceiptRow], trouble: Outcome | TransferFailure, now: Micros
    ) -> None:
        """Nobody said anything about these receipts: they wait on, however old, and health says why.

        What can only be mended by people stops the webhook: it is no fault of a delivery, and no sign of delivery.
        """
        runtime = lane.runtime
        if isinstance(trouble, TransferFailure):
            words, asked_s = trouble.detail, None
            stop = "paused" if trouble.kind in _STOPPING else ""
        else:
            words, asked_s = trouble.reason, trouble.retry_after_s
            broken = "disabled" if trouble.disable else "paused"
            stop = "" if trouble.verdict in _WAITING else broken
        words = storable(f"asked to confirm: {words}") or ""
        failures = self._failures[runtime.pk] = self._failures.get(runtime.pk, 0) + 1
        grown_s = min(_policy(runtime).poll_s * 2 ** min(failures - 1, 10), LONGEST_POLL_S)
        wait_s = max(grown_s, min(asked_s or 0.0, MAX_RETRY_AFTER_S))
        self._findings.later += [row._replace(poll_at=now + span_of(wait_s), trouble=words) for row in rows]
        if stop:
            self._landing.stop(lane, stop, words)


def read_confirmed(
    runtime: WebhookRuntime, returned: Returned, rows: Sequence[ReceiptRow]
) -> frozenset[str] | Outcome | TransferFailure:
    """The sink's reading of the answer to a question.

    Raises:
        PluginFaultError: the sink failed.
    """
    if returned.failure is not None:
        return returned.failure
    answer = Answer(returned.status, parse_head(returned.head), returned.body, returned.truncated)
    read = read_confirmation(runtime.sink, answer, _receipts(rows), runtime.binding)
    if isinstance(read, Outcome) and not read.reason:
        return replace(read, reason=f"the receiver answered {returned.status}")
    return read


def _receipts(rows: Sequence[ReceiptRow]) -> tuple[Receipt, ...]:
    return tuple(Receipt(row.receipt, row.channel) for row in rows if row.receipt is not None)


def _policy(runtime: WebhookRuntime) -> Confirmation:
    return runtime.confirmation or Confirmation()


def _seconds(span: Micros) -> str:
    return f"{span / SECOND:.0f} s"
