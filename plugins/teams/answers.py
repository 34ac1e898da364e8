"""What the answer of a Teams workflow means.

A workflow says 202 before it posts the card, so no success is certain. The retired connectors said 200 and hid the
failure in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_whole, is_success

_HIDDEN_FAILURE = re.compile(r"delivery failed with error")
_HIDDEN_STATUS = re.compile(r"http error (\d{3})")

_STOPPED = {
    "authorizationfailed": "the signature in the address is not valid",
    "directapiauthorizationrequired": "the workflow does not accept anybody who has the address",
    "workflownotfound": "the workflow was deleted",
    "workflowtriggerisnotenabled": "the workflow is switched off",
    "workflowtriggernotfound": "the workflow has no such trigger",
}
"""Error codes of Power Automate for which nothing but a person helps, whatever the status."""


def classify_answer(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for the events of one card."""
    text = answer.body.decode("utf-8", "replace").lower()
    if _HIDDEN_FAILURE.search(text):
        return _hidden(answer, text, items)
    if is_success(answer.status):
        if text.lstrip().startswith("<"):
            return Outcome(
                Verdict.SINK_BROKEN, f"status {answer.status}, but a web page instead of a workflow's answer"
            )
        return Outcome(Verdict.ACCEPTED_UNCONFIRMED, "accepted; whether it was posted is in the workflow's run history")
    stopped = _STOPPED.get(_code(answer.body))
    if stopped:
        return Outcome(Verdict.SINK_BROKEN, f"the workflow answered {answer.status}: {stopped}")
    return classify_whole(answer, items)


def _code(body: bytes) -> str:
    """``error.code`` of a Power Automate answer."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    error = data.get("error") if isinstance(data, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code.lower() if isinstance(code, str) else ""


def _hidden(answer: Answer, text: str, items: Sequence[Item]) -> Outcome:
    found = _HIDDEN_STATUS.search(text)
    if found is None:
        return Outcome(Verdict.RETRY, f"status {answer.status}, but the text says that the delivery failed")
    outcome = classify_whole(replace(answer, status=int(found[1])), items)
    if outcome.verdict is Verdict.DELIVERED:
        return Outcome(Verdict.RETRY, "the text says that the delivery failed")
    return replace(outcome, reason=f"status {answer.status}, but the text says HTTP error {found[1]}", disable=False)
