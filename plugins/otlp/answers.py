"""What an OTLP answer means: partial success is an answer of its own, and few statuses may be retried."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, too_large
from plugins.otlp.jsonform import rejected_records_json
from plugins.otlp.protobuf import rejected_records

_RETRYABLE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""Besides 429, the statuses after which the OTLP specification lets a client send again."""


def classify_export(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for these records."""
    if is_success(answer.status):
        return _success(answer, len(items))
    if answer.status in _RETRYABLE:
        return classify_by_status(answer)
    outcome = classify_by_status(answer)
    if outcome.verdict is Verdict.SPLIT:
        return too_large(items)
    if outcome.verdict is Verdict.RETRY:
        return Outcome(Verdict.REJECT, f"the receiver answered {answer.status}, which OTLP calls final")
    return outcome


def _success(answer: Answer, count: int) -> Outcome:
    """Rejected records get results of their own, so that the host does not send the request again in halves."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is a web page")
    rejected = rejected_records_json(answer.body) if kind == "application/json" else rejected_records(answer.body)
    if not rejected or rejected < 0:
        return Outcome(Verdict.DELIVERED)
    if rejected >= count:
        reason = "the receiver took the request and rejected every record"
        return Outcome(Verdict.PARTIAL, reason, items=(Outcome(Verdict.REJECT, reason),) * count)
    reason = f"the receiver rejected {rejected} of {count} records without saying which; they are not sent again"
    return Outcome(Verdict.ACCEPTED_UNCONFIRMED, reason)
