"""What Jira's answers mean, for one issue and for each of many."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_whole, halved, is_success

_CONTENT = frozenset({"summary", "description"})
"""Fields that differ from event to event. An error in any other field is one of the settings."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_BAD_REQUEST = 400


def classify_answer(answer: Answer, items: Sequence[Item], *, bulk: bool) -> Outcome:
    """What the answer means.

    Args:
        answer: the answer.
        items: what the request carried; empty for a probe.
        bulk: the request asked for one issue per item, through the bulk endpoint.
    """
    data = _object(answer.body)
    if bulk and data is not None and (is_success(answer.status) or answer.status == _BAD_REQUEST):
        per_item = _per_item(data, len(items))
        if per_item is not None:
            return per_item
    if is_success(answer.status):
        return _success(answer, data, items)
    if answer.status == _BAD_REQUEST and data is not None:
        return halved(_fault(data), items)
    return classify_whole(answer, items)


def _success(answer: Answer, data: Mapping[str, Any] | None, items: Sequence[Item]) -> Outcome:
    key = data.get("key") if data else None
    if isinstance(key, str) or (data and not items):
        return Outcome(Verdict.DELIVERED)
    return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is no issue of Jira's")


def _per_item(data: Mapping[str, Any], count: int) -> Outcome | None:
    """The outcomes of a bulk request, None when the answer does not account for every item."""
    issues, errors = data.get("issues"), data.get("errors")
    if not isinstance(issues, list) or not isinstance(errors, list) or len(issues) + len(errors) != count:
        return None
    outcomes = [Outcome(Verdict.DELIVERED)] * count
    for error in errors:
        number = error.get("failedElementNumber") if isinstance(error, dict) else None
        if type(number) is not int or not 0 <= number < count:
            return None
        outcomes[number] = _fault(error.get("elementErrors"))
    if not errors:
        return Outcome(Verdict.DELIVERED)
    return Outcome(Verdict.PARTIAL, f"Jira refused {len(errors)} of {count} issues", items=tuple(outcomes))


def _fault(errors: object) -> Outcome:
    """Whether a refusal is about the event or about the settings. Only names of fields are repeated."""
    named = errors.get("errors") if isinstance(errors, dict) else None
    fields = sorted(named) if isinstance(named, dict) else []
    about = ", ".join(field for field in fields if _FIELD.fullmatch(field))
    if about and not _CONTENT.issuperset(fields):
        return Outcome(Verdict.SINK_BROKEN, f"Jira does not accept the settings; fields at fault: {about}")
    return Outcome(Verdict.REJECT, f"Jira does not accept the issue; fields at fault: {about or 'not named'}")


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
