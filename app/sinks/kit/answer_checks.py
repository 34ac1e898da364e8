"""Checks of how a sink reads answers."""

from __future__ import annotations

import orjson

from app.sinks.kit.subject import Subject, expect, secret_values
from app.sinks.types import Answer, Item, Outcome, Verdict

STATUSES = (200, 202, 204, 301, 302, 400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 425, 429, 500, 502, 503, 504)
JUNK = (b"", b"not json", b"<html>sign in</html>", b"\xff\xfe\x00", b"[]", b"null", b"7", b'{"code":"x"}', b"[" * 2000)
_SUCCESS = frozenset({Verdict.DELIVERED, Verdict.ACCEPTED_UNCONFIRMED})
_PATIENT = frozenset({Verdict.THROTTLE, Verdict.RETRY})
_FINAL = frozenset({Verdict.SINK_BROKEN, Verdict.REJECT})
FIRST_FAILURE = 300
_WAIT_S = 7.0


def every_answer_is_read(subject: Subject) -> None:
    """Any status with any body gives a sound outcome, with a reason; a failure is never read as delivered."""
    for binding in subject.modes():
        for status in STATUSES:
            for body in JUNK:
                for count in (1, 3):
                    items = _items(count)
                    outcome = subject.sink.classify(Answer(status, {}, body), items, binding)
                    _check_outcome(outcome, status, count)


def waiting_is_honoured(subject: Subject) -> None:
    """429 with Retry-After waits that long; 410 is final."""
    for binding in subject.bindings:
        asked = subject.sink.classify(Answer(429, {"retry-after": "7"}, b""), _items(1), binding)
        expect(asked.verdict in _PATIENT, f"429 is read as {asked.verdict}")
        expect(asked.retry_after_s == _WAIT_S, "the wait that Retry-After asks for is not passed on")
        gone = subject.sink.classify(Answer(410, {}, b""), _items(1), binding)
        expect(gone.verdict in _FINAL, f"410 is read as {gone.verdict}")


def too_large_is_split(subject: Subject) -> None:
    """413 for many events asks for smaller requests; for a single one it gives that event up."""
    for binding in subject.bindings:
        many = subject.sink.classify(Answer(413, {}, b""), _items(3), binding)
        expect(many.verdict is Verdict.SPLIT, f"413 for three events is read as {many.verdict}")
        one = subject.sink.classify(Answer(413, {}, b""), _items(1), binding)
        expect(one.verdict in {Verdict.REJECT, Verdict.SPLIT}, f"413 for one event is read as {one.verdict}")


def reasons_repeat_no_secret(subject: Subject) -> None:
    """A receiver that echoes the credentials does not bring them into the history's reasons."""
    for binding in subject.bindings:
        for secret in secret_values(binding):
            body = orjson.dumps(dict.fromkeys(("text", "error", "message", "detail", "reason"), secret))
            for status in STATUSES:
                headers = {"location": f"https://x.example/{secret}", "retry-after": secret}
                outcome = subject.sink.classify(Answer(status, headers, body), _items(1), binding)
                for one in (outcome, *outcome.items):
                    expect(secret not in one.reason, f"the reason for {status} repeats a secret")


def _items(count: int) -> list[Item]:
    return [Item(f"evt_{number}", b"{}") for number in range(count)]


def _check_outcome(outcome: object, status: int, count: int) -> None:
    if not isinstance(outcome, Outcome):
        expect(condition=False, complaint=f"classify gives a {type(outcome).__name__}, not an Outcome")
        return
    partial = outcome.verdict is Verdict.PARTIAL
    expect((len(outcome.items) == count) if partial else not outcome.items, f"{status}: results do not fit the items")
    for one in (outcome, *outcome.items):
        expect(one is outcome or one.verdict is not Verdict.PARTIAL, f"{status}: a partial result inside another")
        expect(one.verdict in _SUCCESS or one.reason, f"{status}: {one.verdict} without a reason")
        expect(one.verdict not in _SUCCESS or status < FIRST_FAILURE, f"{status} is read as {one.verdict}")
