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
from app.delivery.plugin_border import PluginFault, PluginFaultError, classify, find_receipt
from app.delivery.runtime import WebhookRuntime
from app.sinks import classify_by_status, retry_after
from app.sinks.confirmations import Receipt
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


def read_answer(
    runtime: WebhookRuntime,
    returned: Returned,
    parcel: Parcel,
    now: Micros,
    *,
    harm: PluginFault | None = None,
) -> tuple[Outcome, PluginFault | None]:
    """The sink's reading of an HTTP answer; if the sink fails at that, what the status says, and the fault.

    A sink that did ``harm`` before is not asked. ``Retry-After`` counts even when the sink did not look at it; a date
    in it is then measured from ``now``.
    """
    fault = None
    try:
        outcome = _judged(runtime, returned, parcel, harm)
    except PluginFaultError as error:
        fault = error.fault
        outcome = classify_by_status(_answer(returned))
        # The status alone lies for some receivers, so a success is one that nobody confirmed.
        verdict = Verdict.ACCEPTED_UNCONFIRMED if outcome.verdict is Verdict.DELIVERED else outcome.verdict
        reason = f"{fault.reason}; judged by its status: {outcome.reason}".rstrip(": ")
        outcome = replace(outcome, verdict=verdict, reason=reason)
    if outcome.verdict in _WAITING and outcome.retry_after_s is None:
        outcome = replace(outcome, retry_after_s=retry_after(parse_head(returned.head), now))
    return outcome, fault


def _answer(returned: Returned) -> Answer:
    return Answer(returned.status, parse_head(returned.head), returned.body, returned.truncated)


def _judged(runtime: WebhookRuntime, returned: Returned, parcel: Parcel, harm: PluginFault | None) -> Outcome:
    if returned.is_unanswered:
        return Outcome(Verdict.ACCEPTED_UNCONFIRMED, "written to the receiver, which never answers")
    if harm is not None:
        raise PluginFaultError(harm)
    outcome = classify(runtime.sink, _answer(returned), parcel.items, runtime.binding)
    if outcome.verdict is Verdict.PARTIAL and len(outcome.items) != len(parcel.items):
        return Outcome(Verdict.RETRY, "the sink's per-item results do not fit the request")
    if outcome.verdict is Verdict.SPLIT and len(parcel.items) == 1:
        return Outcome(Verdict.REJECT, outcome.reason or "the receiver finds this single event too large")
    return outcome


def outcome_per_member(outcome: Outcome, parcel: Parcel) -> tuple[Outcome, ...]:
    """One outcome for each delivery of the request."""
    return outcome.items if outcome.verdict is Verdict.PARTIAL else (outcome,) * len(parcel.members)


def receipt_in(runtime: WebhookRuntime, returned: Returned) -> Receipt | None:
    """The receipt that an accepted request was answered with; None when the sink finds none that can be kept.

    Raises:
        PluginFaultError: the sink failed; there is nothing to ask about.
    """
    return find_receipt(runtime.sink, _answer(returned), runtime.binding)


def span_of(seconds: float) -> Micros:
    """A wait for a confirmation, as a sink gives it."""
    return math.ceil(seconds * SECOND)
