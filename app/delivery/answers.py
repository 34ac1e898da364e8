"""Reading what came back: the head into headers, and the sink's opinion of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from app.core.clock import SECOND, Micros
from app.delivery.exchange import Returned
from app.delivery.packing import Parcel
from app.delivery.runtime import WebhookRuntime
from app.sinks import classify_by_status, retry_after
from app.sinks.confirmations import MAX_RECEIPT_CHARACTERS, SHORTEST_POLL_S, Confirms, Receipt
from app.sinks.types import Answer, Outcome, Verdict

_WAITING = frozenset({Verdict.RETRY, Verdict.THROTTLE})


@lru_cache(maxsize=512)
def parse_head(head: bytes) -> Mapping[str, str]:
    """Header fields of a response head, names in lower case, the last of equal names."""
    fields: dict[str, str] = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            fields[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return MappingProxyType(fields)


def read_answer(runtime: WebhookRuntime, returned: Returned, parcel: Parcel, now: Micros) -> Outcome:
    """The sink's reading of an HTTP answer; a sink that raises or misreads is overruled by the status.

    ``Retry-After`` counts even when the sink did not look at it; a date in it is then measured from ``now``.
    """
    outcome = _judged(runtime, returned, parcel)
    if outcome.verdict in _WAITING and outcome.retry_after_s is None:
        return replace(outcome, retry_after_s=retry_after(parse_head(returned.head), now))
    return outcome


def _judged(runtime: WebhookRuntime, returned: Returned, parcel: Parcel) -> Outcome:
    if returned.is_unanswered:
        return Outcome(Verdict.ACCEPTED_UNCONFIRMED, "written to the receiver, which never answers")
    answer = Answer(returned.status, parse_head(returned.head), returned.body, returned.truncated)
    try:
        outcome = runtime.sink.classify(answer, parcel.items, runtime.binding)
    except Exception:  # noqa: BLE001 - a plugin may raise anything; the status still tells
        return classify_by_status(answer)
    if outcome.verdict is Verdict.PARTIAL and len(outcome.items) != len(parcel.items):
        return Outcome(Verdict.RETRY, "the sink's per-item results do not fit the request")
    if outcome.verdict is Verdict.SPLIT and len(parcel.items) == 1:
        return Outcome(Verdict.REJECT, outcome.reason or "the receiver finds this single event too large")
    return outcome


def outcome_per_member(outcome: Outcome, parcel: Parcel) -> tuple[Outcome, ...]:
    """One outcome for each delivery of the request."""
    return outcome.items if outcome.verdict is Verdict.PARTIAL else (outcome,) * len(parcel.members)


def receipt_in(runtime: WebhookRuntime, returned: Returned) -> Receipt | None:
    """The receipt that an accepted request was answered with; None when the sink finds none that can be kept."""
    sink = runtime.sink
    answer = Answer(returned.status, parse_head(returned.head), returned.body, returned.truncated)
    try:
        receipt = sink.receipt(answer, runtime.binding) if isinstance(sink, Confirms) else None
    except Exception:  # noqa: BLE001 - a plugin may raise anything; then there is nothing to ask about
        return None
    if not isinstance(receipt, Receipt) or not 0 < len(receipt.id) <= MAX_RECEIPT_CHARACTERS:
        return None
    kept = len(receipt.channel) <= MAX_RECEIPT_CHARACTERS and "\0" not in receipt.id + receipt.channel
    return receipt if kept else None


def span_of(seconds: float) -> Micros:
    """A wait for a confirmation as a sink gives it, at least the shortest."""
    return math.ceil(max(seconds, SHORTEST_POLL_S) * SECOND)
