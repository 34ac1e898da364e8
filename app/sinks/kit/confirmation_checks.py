"""Checks of sinks whose receiver confirms later; every other sink keeps these promises by making none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from app.sinks.confirmations import (
    MAX_RECEIPT_CHARACTERS,
    MOST_RECEIPTS,
    SHORTEST_POLL_S,
    Confirmation,
    Confirms,
    OnExpiry,
    Receipt,
)
from app.sinks.kit.answer_checks import FIRST_FAILURE, JUNK, STATUSES
from app.sinks.kit.request_checks import check_body, check_headers, prefixes
from app.sinks.kit.subject import Subject, expect, plain_body, secret_values
from app.sinks.protocol import AnyBinding
from app.sinks.types import Answer, OutboundRequest, Outcome, Verdict

_CHANNEL = "channel-1"
_WORDLESS = frozenset({Verdict.RETRY, Verdict.THROTTLE, Verdict.SINK_BROKEN})
_PATIENT = frozenset({Verdict.RETRY, Verdict.THROTTLE})
_WAIT_S = 7.0


def receipts_can_be_kept(subject: Subject) -> None:
    """The waits make sense, and whatever the receiver answers is a short receipt or none."""
    for sink, binding in _confirming(subject):
        wait = sink.confirmation(binding)
        expect(isinstance(wait, Confirmation), f"confirmation gives a {type(wait).__name__}")
        expect(isinstance(wait.on_expiry, OnExpiry), "on_expiry is one of OnExpiry")
        expect(wait.poll_s >= SHORTEST_POLL_S, f"poll_s is below {SHORTEST_POLL_S}")
        expect(wait.expires_s >= wait.poll_s, "a receipt would expire before it is first asked about")
        for answer in _odd_answers():
            _check_receipt(sink.receipt(answer, binding))


def the_question_names_its_receipts(subject: Subject) -> None:
    """A question is a valid request that names every receipt, hides its secrets, and is the same for the same ones."""
    for sink, binding in _confirming(subject):
        for count in (1, MOST_RECEIPTS):
            receipts = sample_receipts(count)
            request = sink.confirm_request(receipts, binding)
            if request is None:
                continue
            expect(request == sink.confirm_request(receipts, binding), "the same receipts make another question")
            expect(request.url.startswith(prefixes(subject)), "the question goes to an address of another scheme")
            check_headers(request, binding)
            check_body(request, binding)
            _check_named(request, receipts)


def confirmations_are_read(subject: Subject) -> None:
    """Any answer confirms only what was asked, or is a reason to wait or to stop; none but a success confirms."""
    for sink, binding in _confirming(subject):
        receipts = sample_receipts(3)
        for answer in _odd_answers():
            read = sink.read_confirmation(answer, receipts, binding)
            if not isinstance(read, Outcome):
                _check_confirmed(read, answer.status, receipts)
                continue
            expect(read.verdict in _WORDLESS, f"{answer.status} is read as {read.verdict}")
            expect(read.reason, f"{answer.status}: {read.verdict} without a reason")
        asked = sink.read_confirmation(Answer(429, {"retry-after": "7"}, b""), receipts, binding)
        patient = isinstance(asked, Outcome) and asked.verdict in _PATIENT and asked.retry_after_s == _WAIT_S
        expect(patient, "the wait that Retry-After asks for is not passed on")
        for secret in secret_values(binding):
            _check_quiet(sink, receipts, binding, secret)


def sample_receipts(count: int) -> tuple[Receipt, ...]:
    """Receipts "0", "1", …, all of one channel."""
    return tuple(Receipt(str(number), _CHANNEL) for number in range(count))


def _confirming(subject: Subject) -> Iterator[tuple[Confirms, AnyBinding]]:
    if isinstance(subject.sink, Confirms):
        for binding in subject.modes():
            yield subject.sink, binding


def _odd_answers() -> Iterator[Answer]:
    for status in STATUSES:
        for body in JUNK:
            yield Answer(status, {}, body)


def _check_receipt(receipt: object) -> None:
    if receipt is None:
        return
    expect(isinstance(receipt, Receipt), f"receipt gives a {type(receipt).__name__}")
    if isinstance(receipt, Receipt):
        expect(0 < len(receipt.id) <= MAX_RECEIPT_CHARACTERS, "the receipt is empty or too long to be kept")
        expect(len(receipt.channel) <= MAX_RECEIPT_CHARACTERS, "the channel is too long to be kept")


def _check_named(request: OutboundRequest, receipts: Sequence[Receipt]) -> None:
    text = plain_body(request).decode(errors="replace") + request.url
    missing = [receipt.id for receipt in receipts if receipt.id not in text]
    expect(not missing, f"the question does not name receipt {', '.join(missing[:3])}")


def _check_confirmed(read: object, status: int, receipts: Sequence[Receipt]) -> None:
    expect(isinstance(read, frozenset), f"read_confirmation gives a {type(read).__name__}")
    expect(status < FIRST_FAILURE, f"{status} is read as an answer to the question")
    expect(isinstance(read, frozenset) and not read, f"{status} with junk confirms {len(receipts)} receipts")


def _check_quiet(sink: Confirms, receipts: Sequence[Receipt], binding: AnyBinding, secret: str) -> None:
    body = orjson.dumps(dict.fromkeys(("text", "error", "message", "detail", "reason"), secret))
    for status in STATUSES:
        read = sink.read_confirmation(Answer(status, {"retry-after": secret}, body), receipts, binding)
        expect(not isinstance(read, Outcome) or secret not in read.reason, f"the reason for {status} repeats a secret")
