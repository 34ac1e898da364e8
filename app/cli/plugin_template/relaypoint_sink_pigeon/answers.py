"""What the receiver's answers mean."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, too_large


def classify_answer(answer: Answer, items: Sequence[Item]) -> Outcome:
    """By status, except that a success must be the receiver's own: a proxy's sign-in page has status 200 too."""
    if is_success(answer.status):
        if _is_taken(answer.body):
            return Outcome(Verdict.DELIVERED)
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is not the receiver's")
    outcome = classify_by_status(answer)
    return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome


def _is_taken(body: bytes) -> bool:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(data, dict) and data.get("status") == "taken"
