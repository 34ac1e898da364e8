"""What an answer of the HTTP Event Collector means. The status alone lies: the ``code`` in the body decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, retry_after, too_large
from plugins.splunk_hec.settings import SplunkConfig, WrongIndex

_ASKED = "the collector took the events; the indexers have not acknowledged them yet"
_NOT_ASKED = "the collector took the events; whether the indexers stored them is not asked"
"""The token has indexer acknowledgement switched on."""

HEALTHY = 17
"""The health endpoint's "HEC is healthy"."""

_WRONG_INDEX = 7
_NEARLY_FULL = frozenset({24, 25})

NEARLY_FULL_PAUSE_S = 1.0
"""The pause that a collector gets which took the events but says that its queue is nearly full."""

MEANINGS: dict[int, tuple[Verdict, str]] = {
    0: (Verdict.DELIVERED, ""),
    1: (Verdict.SINK_BROKEN, "the token is disabled"),
    2: (Verdict.SINK_BROKEN, "a token is required"),
    3: (Verdict.SINK_BROKEN, "the authorization is invalid"),
    4: (Verdict.SINK_BROKEN, "the token is invalid"),
    5: (Verdict.REJECT, "no data"),
    6: (Verdict.REJECT, "invalid data format"),
    _WRONG_INDEX: (Verdict.SINK_BROKEN, "the token may not write to the index"),
    8: (Verdict.RETRY, "internal server error"),
    9: (Verdict.THROTTLE, "the server is busy"),
    10: (Verdict.SINK_BROKEN, "the data channel is missing"),
    11: (Verdict.SINK_BROKEN, "the data channel is invalid"),
    12: (Verdict.REJECT, "the event field is required"),
    13: (Verdict.REJECT, "the event field is blank"),
    14: (Verdict.SINK_BROKEN, "acknowledgement is disabled"),
    15: (Verdict.REJECT, "indexed fields could not be handled"),
    16: (Verdict.SINK_BROKEN, "authorization in the query string is not enabled"),
    18: (Verdict.RETRY, "the queues are full"),
    19: (Verdict.RETRY, "acknowledgement is unavailable"),
    20: (Verdict.RETRY, "the queues are full and acknowledgement is unavailable"),
    21: (Verdict.SINK_BROKEN, "the token is invalid"),
    22: (Verdict.SINK_BROKEN, "the token is disabled"),
    23: (Verdict.RETRY, "the server is shutting down"),
    24: (Verdict.DELIVERED, "the queue is nearly full"),
    25: (Verdict.DELIVERED, "the acknowledgement channel is nearly full"),
    26: (Verdict.THROTTLE, "the queue is full"),
    27: (Verdict.THROTTLE, "the acknowledgement channel is full"),
}
"""Code to meaning, in our words: the receiver's own text is never repeated, it may echo the token."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of a HEC answer. ``first_bad`` is ``invalid-event-number``: events before it were taken.

    ``ack_id`` is there when the token has indexer acknowledgement on, so that success means taken, not yet stored.
    """

    code: int
    first_bad: int | None
    ack_id: int | None = None


def parse_reply(body: bytes) -> Reply | None:
    """The reply in a body, or None when this is no answer of an event collector."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or type(data.get("code")) is not int:
        return None
    first_bad = data.get("invalid-event-number")
    named = first_bad if type(first_bad) is int and first_bad >= 0 else None
    ack_id = data.get("ackId")
    return Reply(data["code"], named, ack_id if type(ack_id) is int and ack_id >= 0 else None)


def classify_answer(answer: Answer, items: Sequence[Item], config: SplunkConfig, *, asks: bool) -> Outcome:
    """What the answer means for each item of the request.

    Args:
        answer: the receiver's answer.
        items: what the request carried; empty for a probe.
        config: names the index the token may not write to, and says what follows from that.
        asks: whether the indexers' acknowledgement is going to be asked for, if the token has it on.
    """
    reply = parse_reply(answer.body)
    if reply is None:
        return _not_hec(answer, items)
    if reply.code == HEALTHY and is_success(answer.status):
        return _healthy(items)
    meaning = MEANINGS.get(reply.code)
    if meaning is None or (meaning[0] is Verdict.DELIVERED and not is_success(answer.status)):
        return _by_status(answer, items)
    if reply.code == _WRONG_INDEX:
        meaning = _wrong_index(config)
    outcome = _outcome(reply.code, *meaning, answer)
    if outcome.verdict is Verdict.DELIVERED and reply.ack_id is not None:
        return replace(outcome, verdict=Verdict.ACCEPTED_UNCONFIRMED, reason=_ASKED if asks else _NOT_ASKED)
    return _apply(outcome, reply.first_bad, len(items))


def _wrong_index(config: SplunkConfig) -> tuple[Verdict, str]:
    words = f"the token may not write to the index {config.index!r}"
    if not config.index:
        words = "the token's default index is not allowed"
    return (Verdict.REJECT if config.on_wrong_index is WrongIndex.REJECT else Verdict.SINK_BROKEN), words


def _outcome(code: int, verdict: Verdict, words: str, answer: Answer) -> Outcome:
    wait = retry_after(answer.headers) if verdict in {Verdict.RETRY, Verdict.THROTTLE} else None
    if code in _NEARLY_FULL:
        wait = retry_after(answer.headers) or NEARLY_FULL_PAUSE_S
    return Outcome(verdict, f"HEC code {code}: {words}" if words else "", wait)


def _apply(outcome: Outcome, first_bad: int | None, count: int) -> Outcome:
    """Spreads a reading over the items, as far as the collector says how far it came."""
    if outcome.verdict is Verdict.REJECT:
        return _rejected(outcome, first_bad, count)
    if outcome.verdict in {Verdict.RETRY, Verdict.THROTTLE}:
        return _retried(outcome, first_bad, count)
    return outcome


def _not_hec(answer: Answer, items: Sequence[Item]) -> Outcome:
    """A proxy's login page with status 200 must never count as delivered."""
    if is_success(answer.status):
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is not a HEC answer")
    return _by_status(answer, items)


def _healthy(items: Sequence[Item]) -> Outcome:
    if items:
        return Outcome(Verdict.SINK_BROKEN, "HEC code 17: the address is the health endpoint, events are not stored")
    return Outcome(Verdict.DELIVERED, "HEC code 17: healthy")


def _by_status(answer: Answer, items: Sequence[Item]) -> Outcome:
    outcome = classify_by_status(answer)
    return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome


def _rejected(bad: Outcome, first_bad: int | None, count: int) -> Outcome:
    """Only the event at fault is given up. Without its number the request is halved until it stands alone."""
    if count <= 1:
        return bad
    if first_bad is None or first_bad >= count:
        return Outcome(Verdict.SPLIT, f"{bad.reason}; the event at fault is not named")
    taken = Outcome(Verdict.DELIVERED, f"taken before event {first_bad} failed")
    again = Outcome(Verdict.RETRY, f"not read because event {first_bad} failed")
    items = (*[taken] * first_bad, bad, *[again] * (count - first_bad - 1))
    return Outcome(Verdict.PARTIAL, bad.reason, items=items)


def _retried(again: Outcome, first_bad: int | None, count: int) -> Outcome:
    if not first_bad or first_bad >= count:
        return again
    taken = Outcome(Verdict.DELIVERED, f"taken before the collector stopped at event {first_bad}")
    return Outcome(
        Verdict.PARTIAL, again.reason, again.retry_after_s, items=(*[taken] * first_bad, *[again] * (count - first_bad))
    )
