"""What PagerDuty's answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_whole, is_success

FEW_MINUTES_S = 180.0
"""PagerDuty says to come back in a few minutes when it throttles, and names no number."""

_BAD_REQUEST = 400


def classify_answer(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for the one event of a request."""
    if is_success(answer.status):
        if _field(answer.body, "status") == "success":
            return Outcome(Verdict.DELIVERED)
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is not PagerDuty's success")
    if answer.status == _BAD_REQUEST:
        return _refused(answer)
    outcome = classify_whole(answer, items)
    if outcome.verdict is Verdict.THROTTLE and outcome.retry_after_s is None:
        return replace(outcome, retry_after_s=FEW_MINUTES_S)
    return outcome


def _refused(answer: Answer) -> Outcome:
    """A wrong key is the webhook's fault, anything else the event's. Their words are not repeated: they may hold it."""
    if b"routing_key" in answer.body or b"routing key" in answer.body.lower():
        return Outcome(Verdict.SINK_BROKEN, "PagerDuty answered 400: the integration key is not valid")
    return Outcome(Verdict.REJECT, "PagerDuty answered 400: it does not accept the event")


def _field(body: bytes, name: str) -> object:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return data.get(name) if isinstance(data, dict) else None
