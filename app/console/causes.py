"""Why each attempt of a delivery was made, and when and why the next one will be, in words and with a shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.console.filters import seconds
from app.console.words import State
from app.core.clock import Micros, to_rfc3339
from app.core.states import AttemptCause
from app.delivery.delivery_list import DeliveryRow
from app.delivery.history import AttemptView

_SECONDS = re.compile("[0-9]{1,9}")


class _Words(NamedTuple):
    past: State
    coming: str


_WORDS = {
    AttemptCause.FIRST: _Words(State("First attempt", "send"), "it is the first attempt"),
    AttemptCause.SCHEDULE: _Words(State("Retry by schedule", "calendar-time"), "by the retry schedule of the webhook"),
    AttemptCause.RETRY_AFTER: _Words(
        State("The receiver asked to wait{span} (Retry-After)", "hourglass"),
        "the receiver asked to wait{span} (Retry-After)",
    ),
    AttemptCause.THROTTLED: _Words(
        State("The receiver asked for fewer requests", "hourglass"), "the receiver asked for fewer requests"
    ),
    AttemptCause.BY_HAND: _Words(State("Redelivered by hand", "rotate-clockwise"), "somebody redelivered it by hand"),
    AttemptCause.REPLAY: _Words(
        State("Redelivered together with others", "stack-2"), "somebody redelivered it together with others"
    ),
    AttemptCause.BACKFILL: _Words(State("Backfill", "history"), "a backfill made this delivery"),
    AttemptCause.WORKER_LOST: _Words(
        State("After a worker died", "heartbeat"), "a worker died while it had this delivery"
    ),
    AttemptCause.PROBE: _Words(State("Probe of a failing receiver", "activity"), "the receiver is probed"),
    AttemptCause.RESUMED: _Words(State("After the webhook was resumed", "player-play"), "the webhook was resumed"),
    AttemptCause.UNCONFIRMED: _Words(
        State("The receiver did not confirm the attempt before", "hourglass"),
        "the receiver did not confirm the attempt before",
    ),
    AttemptCause.CONNECTION_CLOSED: _Words(
        State("At once, because the receiver had closed the connection", "plug-connected"),
        "the receiver had closed the connection",
    ),
}


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt in the timeline; ``repeats`` says that its ``webhook-id`` was sent before."""

    attempt: AttemptView
    cause: State
    repeats: bool


@dataclass(frozen=True, slots=True)
class Coming:
    """The next attempt. ``at`` None = no time is planned; ``earliest`` = it may be later."""

    at: Micros | None
    why: str
    earliest: bool = False


def timeline(attempts: Sequence[AttemptView]) -> Iterator[Made]:
    """The attempts, oldest first, each with its cause."""
    sent_before = {""}
    previous = None
    for attempt in attempts:
        words = _WORDS[attempt.cause].past
        cause = State(words.word.format(span=_asked(previous)), words.icon)
        yield Made(attempt, cause, repeats=attempt.message_id in sent_before)
        sent_before.add(attempt.message_id)
        previous = attempt


def coming(row: DeliveryRow, webhook: dict[str, Any], attempts: Sequence[AttemptView], now: Micros) -> Coming | None:
    """When the next attempt is made, and why then; None = there is to be none.

    A webhook that is stopped or held back decides before the delivery's own time does.
    """
    at, cause = row.next_attempt_at, row.next_attempt_cause
    if at is None or cause is None:
        return None
    if webhook["state"] != "enabled":
        return Coming(None, f"the webhook is {webhook['state']}; this delivery waits until it is resumed")
    health = webhook["health"]
    if at > now and health["next_probe_at"] == to_rfc3339(at):
        held = _HELD.get(health["state"])
        if held:
            return Coming(at, held, earliest=True)
    if at <= now:
        return Coming(at, "it is due and goes out next")
    if cause is AttemptCause.FIRST and webhook["type"] == "batch":
        return Coming(at, "its batch closes then at the latest")
    return Coming(at, _WORDS[cause].coming.format(span=_asked(attempts[-1] if attempts else None)))


_HELD = {
    "throttled": "the receiver asked for fewer requests, so the whole webhook is held back until then",
    "failing": "the webhook is failing, so it is held back until then and one request at a time is a probe",
}


def _asked(answered: AttemptView | None) -> str:
    """How long the answer to an attempt asked to wait, where it says so in seconds."""
    headers = answered.response.headers if answered and answered.response else ()
    asked = next((value for name, value in headers if name.lower() == "retry-after"), "")
    return f" {seconds(int(asked))}" if _SECONDS.fullmatch(asked) else ""
