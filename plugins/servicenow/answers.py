"""What ServiceNow's answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_whole, is_success


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
    return classify_whole(answer, items)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
