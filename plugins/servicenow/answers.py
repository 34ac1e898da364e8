"""What ServiceNow's answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, too_large


def classify_answer(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for the events of a request.

    A sleeping instance answers 200 with a web page, so success needs a JSON object without an error in it. A bad
    request that held several events is halved until the one at fault stands alone.
    """
    data = _object(answer.body)
    if is_success(answer.status):
        if data is None or "error" in data:
            return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is not ServiceNow's success")
        return Outcome(Verdict.DELIVERED)
    outcome = classify_by_status(answer)
    if outcome.verdict is Verdict.SPLIT:
        return too_large(items)
    if outcome.verdict is Verdict.REJECT and len(items) > 1:
        return Outcome(Verdict.SPLIT, f"{outcome.reason}; sending fewer events at once")
    return outcome


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
