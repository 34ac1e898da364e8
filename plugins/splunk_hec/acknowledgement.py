"""Indexer acknowledgement: the receipt in an answer, and what the acknowledgement endpoint says about receipts.

``false`` for a receipt means pending, failed or unknown. It is never a failure; only time ends the wait.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from app.sinks import (
    Answer,
    Confirmation,
    OnExpiry,
    Outcome,
    Receipt,
    Verdict,
    classify_by_status,
    is_success,
)
from plugins.splunk_hec.answers import MEANINGS, parse_reply
from plugins.splunk_hec.settings import Acknowledgement, SplunkConfig

_ON_EXPIRY = {
    Acknowledgement.RESEND: OnExpiry.RESEND,
    Acknowledgement.FAIL: OnExpiry.FAIL,
    Acknowledgement.UNCONFIRMED: OnExpiry.UNCONFIRMED,
    Acknowledgement.IGNORE: OnExpiry.UNCONFIRMED,
}
"""What still waits when somebody chooses to ignore acknowledgements counts like what comes after it."""

_PATIENT = frozenset({Verdict.RETRY, Verdict.THROTTLE})


def waiting(config: SplunkConfig) -> Confirmation:
    """How a webhook of these settings waits."""
    return Confirmation(config.ack_poll_s, config.ack_wait_s, _ON_EXPIRY[config.acknowledgement])


def receipt_of(answer: Answer, channel: str) -> Receipt | None:
    """The receipt in an answer to events."""
    reply = parse_reply(answer.body)
    return None if reply is None or reply.ack_id is None else Receipt(str(reply.ack_id), channel)


def read_acks(answer: Answer, receipts: Sequence[Receipt]) -> frozenset[str] | Outcome:
    """The ids among the receipts that are indexed, or why the answer does not say.

    Busy and broken servers are asked again later. Every other refusal, and a success that does not answer the question,
    needs somebody who mends the token or the address.
    """
    if not is_success(answer.status):
        return _refused(answer)
    acks = _acks(answer.body)
    if acks is not None:
        return frozenset(receipt.id for receipt in receipts if acks.get(receipt.id) is True)
    if answer.truncated:
        return Outcome(Verdict.RETRY, "the answer of the acknowledgement endpoint was cut off")
    return Outcome(Verdict.SINK_BROKEN, "the acknowledgement endpoint answered without acknowledgements")


def _refused(answer: Answer) -> Outcome:
    outcome = classify_by_status(answer)
    verdict = outcome.verdict if outcome.verdict in _PATIENT else Verdict.SINK_BROKEN
    reply = parse_reply(answer.body)
    meaning = None if reply is None else MEANINGS.get(reply.code)
    words = f", HEC code {reply.code}: {meaning[1]}" if reply and meaning and meaning[1] else ""
    return Outcome(verdict, f"the acknowledgement endpoint answered {answer.status}{words}", outcome.retry_after_s)


def _acks(body: bytes) -> dict[str, object] | None:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    acks = data.get("acks") if isinstance(data, dict) else None
    return acks if isinstance(acks, dict) else None
