"""What Loki's answer means. A 400 may have stored some of the lines, and does not say which."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, too_large

_WORDS = (
    (b"too far behind", "the line is older than the newest of its stream by more than Loki allows"),
    (b"too old", "the line is older than Loki takes"),
    (b"too new", "the line's time is in the future"),
    (b"max entry size", "the line is longer than Loki takes"),
    (b"max_line_size", "the line is longer than Loki takes"),
    (b"label names", "the stream has more labels than Loki takes"),
    (b"label", "Loki refuses the labels"),
    (b"structured metadata", "Loki refuses the structured metadata"),
)
"""What Loki's texts begin to say, in our words: its own repeat the line."""


def classify_push(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for these lines.

    After a 400 the request is halved until the refused line stands alone. Lines that were stored are sent again by
    that; Loki drops a line that it has with the same time and labels.
    """
    if answer.status == HTTPStatus.NO_CONTENT:
        return Outcome(Verdict.DELIVERED)
    if is_success(answer.status):
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, where Loki answers 204: is this a push address?")
    if answer.status == HTTPStatus.BAD_REQUEST:
        return _refused(answer.body, len(items))
    outcome = classify_by_status(answer)
    return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome


def _refused(body: bytes, count: int) -> Outcome:
    lowered = body.lower()
    words = next((words for sign, words in _WORDS if sign in lowered), "Loki refuses the line")
    if count > 1:
        return Outcome(Verdict.SPLIT, f"{words}; the others may be stored, sending fewer at once")
    return Outcome(Verdict.REJECT, words)
