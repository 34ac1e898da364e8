"""The filter of redelivering many: what the form offers, how it is read and said, and what a history hands on to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.console.words import ANSWERS, DELIVERY
from app.core.answer_class import AnswerClass
from app.core.errors import InvalidInputError
from app.core.states import DeliveryState
from app.delivery.delivery_walk import DeliveryFilter
from app.delivery.replays import ReplayOrder

_ANY = "any"
_TRIED, _TROUBLED = "Delivered, failed or blocked", "Failed or blocked"
STATES = (
    ("failed", "Failed"),
    ("parked", "Blocked"),
    ("skipped", "Skipped"),
    ("delivered", "Delivered"),
    (_ANY, _TRIED),
)
"""What the form offers; the first, where the address says nothing."""
CODES = (("", "Any answer"), *((one.value, words) for one, words in ANSWERS.items()))
_SEARCHED = "The search is left out: more may fit than is listed here."
_UNENDED = "What has not ended is left out."
_UNENDED_OR_SKIPPED = "What has not ended or was skipped is left out."
_NOTHING = "Only what has ended can be redelivered."


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What a history says to the form of redelivering many.

    Args:
        query: of the form's address; None = nothing that is listed can be redelivered.
        said: what of the list is not meant, in a sentence; "" = all of it is.
    """

    query: dict[str, str] | None
    said: str = ""


def state_of(sent: Mapping[str, str]) -> str:
    """The status that a form names."""
    return sent.get("state", "failed") or _ANY


def narrowed(order: ReplayOrder, sent: Mapping[str, str]) -> ReplayOrder:
    """An order with what a form says of status, answer and event type.

    Raises:
        InvalidInputError: there is no such status or answer; to count it as nothing would mean more than was chosen.
    """
    state, code = state_of(sent), sent.get("code", "")
    for field, value, offered in (("state", state, STATES), ("code", code, CODES)):
        if value not in dict(offered):
            raise InvalidInputError("choose one of these", field=field)
    return replace(
        order,
        delivery_state=None if state == _ANY else DeliveryState[state.upper()],
        code=AnswerClass(code) if code else None,
        event_type=sent.get("event_type", "").strip()[:200] or None,
    )


def in_words(wanted: Mapping[str, Any]) -> dict[str, str]:
    """The filter of a redelivery as its page says it, by its name."""
    code = None if wanted["code"] is None else AnswerClass(wanted["code"])
    any_state = _TROUBLED if _means_trouble(code) else _TRIED
    return {
        "Status chosen": DELIVERY[wanted["state"]].word if wanted["state"] else any_state,
        "Last answer": "Any" if code is None else ANSWERS[code],
        "Event type": wanted["event_type"] or "Any",
    }


def handed_on(wanted: DeliveryFilter, typed: Mapping[str, str], first: str) -> HandedOn:
    """What a history with this filter hands on.

    Args:
        wanted: the filter as it was understood.
        typed: the same as it was typed.
        first: when the oldest delivery was received, as an input takes it; a list without a beginning begins there.
    """
    searched = _SEARCHED if wanted.query else ""
    if replace(wanted, query=None) == DeliveryFilter():
        return HandedOn({}, searched)
    state = _ANY if wanted.state is None else wanted.state.label
    if state not in dict(STATES):
        return HandedOn(None, _NOTHING)
    query = {
        "state": state,
        "code": wanted.code or "",
        "event_type": wanted.event_type or "",
        "since": first if wanted.since is None else typed["since"],
        "until": "" if wanted.until is None else typed["until"],
    }
    unlisted = "" if wanted.state is not None else _UNENDED if _means_trouble(wanted.code) else _UNENDED_OR_SKIPPED
    return HandedOn(query, " ".join(filter(None, (unlisted, searched))))


def _means_trouble(code: AnswerClass | None) -> bool:
    return code is not None and code.leaves_out_delivered
