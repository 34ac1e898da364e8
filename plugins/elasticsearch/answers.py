"""What an answer to ``_bulk`` means. The status is 200 whatever happened: each item has a status of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_by_status, is_success, retry_after, too_large

_TAKEN = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})

_WORDS = {
    "mapper_parsing_exception": "the mapping of the index refuses the document",
    "document_parsing_exception": "the mapping of the index refuses the document",
    "strict_dynamic_mapping_exception": "the index takes no new fields",
    "illegal_argument_exception": "the index refuses a value of the document",
    "es_rejected_execution_exception": "the cluster is busy",
    "circuit_breaking_exception": "the cluster is short of memory",
    "index_not_found_exception": "there is no such index",
    "security_exception": "the credentials may not write to the index",
    "cluster_block_exception": "the index takes no writes at present",
    "index_closed_exception": "the index is closed",
}
"""Kinds of error in our words: the cluster's own reason quotes the document."""

_BROKEN = frozenset({"index_not_found_exception", "security_exception", "index_closed_exception"})
"""Not this document's fault: no document will be taken until somebody mends it."""

_PASSING = frozenset({"cluster_block_exception"})
"""Ends by itself, such as when a full disk was cleared."""


def classify_bulk(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for each document."""
    if not is_success(answer.status):
        outcome = classify_by_status(answer)
        return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome
    if answer.truncated:
        return _unread(items)
    reply = _reply(answer.body)
    if reply is None:
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is no answer to a bulk request")
    if reply.get("errors") is False:
        return Outcome(Verdict.DELIVERED)
    results = reply.get("items")
    if not isinstance(results, list) or len(results) != len(items):
        return Outcome(Verdict.RETRY, "the answer does not have one result per document")
    return _together([_result(result, answer) for result in results])


def _unread(items: Sequence[Item]) -> Outcome:
    """Nothing is lost by sending again: documents that are there already answer 409."""
    if len(items) > 1:
        return Outcome(Verdict.SPLIT, "the answer is too long to be read; sending fewer documents at once")
    return Outcome(Verdict.RETRY, "the answer is too long to be read")


def _reply(body: bytes) -> dict[str, Any] | None:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return reply if isinstance(reply, dict) and isinstance(reply.get("errors"), bool) else None


def _together(outcomes: list[Outcome]) -> Outcome:
    """One outcome for all where they agree, so that a missing index pauses the webhook once."""
    if all(outcome == outcomes[0] for outcome in outcomes):
        return outcomes[0]
    failed = sum(outcome.verdict is not Verdict.DELIVERED for outcome in outcomes)
    return Outcome(Verdict.PARTIAL, f"{failed} of {len(outcomes)} documents were not taken", items=tuple(outcomes))


def _result(result: Any, answer: Answer) -> Outcome:
    made = next(iter(result.values()), None) if isinstance(result, Mapping) else None
    status = made.get("status") if isinstance(made, Mapping) else None
    if not isinstance(made, Mapping) or type(status) is not int:
        return Outcome(Verdict.RETRY, "the answer has no status for this document")
    error = made.get("error")
    kind = error.get("type") if isinstance(error, Mapping) else None
    return _by_item_status(status, kind if isinstance(kind, str) else "", answer)


def _by_item_status(status: int, kind: str, answer: Answer) -> Outcome:
    if status in _TAKEN:
        return Outcome(Verdict.DELIVERED)
    if status == HTTPStatus.CONFLICT:
        return Outcome(Verdict.DELIVERED, "the document was there already")
    reason = f"item status {status}: {_WORDS.get(kind, 'the cluster did not take the document')}"
    if kind in _BROKEN:
        return Outcome(Verdict.SINK_BROKEN, reason)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR or kind in _PASSING:
        return Outcome(Verdict.RETRY, reason, retry_after(answer.headers))
    return Outcome(Verdict.REJECT, reason)
