"""Reading what came back: the head into headers, and the sink's opinion of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from app.core.clock import Micros
from app.delivery.exchange import Returned
from app.delivery.packing import Parcel
from app.delivery.runtime import WebhookRuntime
from app.sinks import classify_by_status, retry_after
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
