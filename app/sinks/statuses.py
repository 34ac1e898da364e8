"""What an HTTP status means when the receiver has no rules of its own, and how long a receiver asks us to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from app.core.clock import SECOND, Micros
from app.sinks.types import Answer, Item, Outcome, Verdict

MAX_RETRY_AFTER_S = 24 * 3600.0
"""A receiver may delay us for a day at most; a longer wish is cut to this."""

_RETRY = frozenset({408, 409, 423, 425})
"""The receiver was busy or in the middle of something (RFC 9110, 4918, 8470): the same request may pass later."""

_BROKEN = frozenset({401, 402, 403, 404, 405, 407})
"""The address, the credentials or the account are wrong; no event is at fault."""

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


def is_success(status: int) -> bool:
    """Whether a status is 2xx."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_redirect(status: int) -> bool:
    """Whether a status is 3xx. Redirects are never followed."""
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def is_client_error(status: int) -> bool:
    """Whether a status is 4xx."""
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def asks_for_less(status: int) -> bool:
    """Whether a status says *not so much at present*: 429 and 503 slow the webhook and cost no try."""
    return status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


def retry_after(headers: Mapping[str, str], now: Micros | None = None) -> float | None:
    """The wait in seconds that ``retry-after`` asks for (RFC 9110, 10.2.3), at most a day.

    A date is measured from the answer's own ``date`` header, so that a receiver with a wrong clock is still
    understood; without one, from ``now``. Junk, and a date that has passed, give None.

    Args:
        headers: the answer's headers, names in lower case.
        now: our time, used only for the date form when the answer carries no date.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_S)
    until = _http_date(text)
    start = _http_date(headers.get("date", ""))
    if start is None and now is not None:
        start = now / SECOND
    if until is None or start is None or until < start:
        return None
    return min(until - start, MAX_RETRY_AFTER_S)


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def too_large(items: Sequence[Item]) -> Outcome:
    """What 413 means for these items: send fewer at once, or, when there is only one, give it up."""
    if len(items) > 1:
        return Outcome(Verdict.SPLIT, "the receiver says the request is too large; sending fewer events at once")
    return Outcome(Verdict.REJECT, "the receiver says this event is too large")


def classify_by_status(answer: Answer) -> Outcome:
    """The reading of an answer by its status alone, for sinks without rules of their own.

    2xx delivered; 408, 409, 423, 425 and 5xx retry; 429 and 503 throttle; 413 split; 410 broken and disabled; 401 to
    405 and 407 broken; 3xx and every other 4xx reject the events.
    """
    status = answer.status
    if is_success(status):
        return Outcome(Verdict.DELIVERED)
    if is_redirect(status):
        return Outcome(Verdict.REJECT, f"the receiver answered {status}: redirect not followed")
    if is_client_error(status):
        return _client_error(answer)
    verdict = Verdict.THROTTLE if asks_for_less(status) else Verdict.RETRY
    return Outcome(verdict, f"the receiver answered {status}", retry_after_s=retry_after(answer.headers))


def _client_error(answer: Answer) -> Outcome:
    status = answer.status
    reason = f"the receiver answered {status}"
    if asks_for_less(status):
        return Outcome(Verdict.THROTTLE, reason, retry_after_s=retry_after(answer.headers))
    if status == HTTPStatus.GONE:
        return Outcome(Verdict.SINK_BROKEN, "the receiver answered 410: it is gone for good", disable=True)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Outcome(Verdict.SPLIT, "the receiver answered 413: the request is too large")
    if status in _RETRY:
        return Outcome(Verdict.RETRY, reason, retry_after_s=retry_after(answer.headers))
    return Outcome(Verdict.SINK_BROKEN if status in _BROKEN else Verdict.REJECT, reason)


def classify_whole(answer: Answer, items: Sequence[Item]) -> Outcome:
    """By status, for a request that its receiver takes or refuses as a whole, at an address that never redirects.

    As ``classify_by_status``, but a redirect means that the address is wrong, and refused content is sent again in
    halves until the event at fault stands alone.
    """
    if is_redirect(answer.status):
        reason = f"the receiver answered {answer.status}: redirect not followed; the address is wrong"
        return Outcome(Verdict.SINK_BROKEN, reason)
    outcome = classify_by_status(answer)
    return too_large(items) if outcome.verdict is Verdict.SPLIT else halved(outcome, items)


def halved(outcome: Outcome, items: Sequence[Item]) -> Outcome:
    """A rejection as it stands for one event; for several, the wish to find the one at fault."""
    if outcome.verdict is not Verdict.REJECT or len(items) <= 1:
        return outcome
    return Outcome(Verdict.SPLIT, f"{outcome.reason}; sending fewer events at once")
