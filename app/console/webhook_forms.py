"""The sections of the webhook detail view: what each form says, as a change that the use case takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from werkzeug.datastructures import MultiDict

from app.console.durations import read_duration, read_durations
from app.console.sizes import read_size, shown_size
from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number
from app.routing.webhook_input import MAX_BATCH_BYTES, MIN_BATCH_BYTES

Sent = MultiDict[str, str]


def read_name(sent: Sent) -> dict[str, Any]:
    """The name."""
    return {"name": sent.get("name", "")}


def read_endpoint(sent: Sent) -> dict[str, Any]:
    """The address."""
    url = sent.get("endpoint_url", "").strip()
    if not url:
        raise InvalidInputError("enter an address such as https://receiver.example/hook", field="endpoint_url")
    return {"endpoint_url": url}


def read_headers(sent: Sent) -> dict[str, Any]:
    """Names and values; an empty value keeps the one that is stored under that name."""
    stored = set(sent.getlist("stored"))
    gone = set(sent.getlist("forget"))
    headers: dict[str, Any] = {}
    for name, value in zip(sent.getlist("header_name"), sent.getlist("header_value"), strict=False):
        key = name.strip()
        if not key or key in gone:
            continue
        if not value and key not in stored:
            raise InvalidInputError(f"enter a value for {key}", field="headers")
        headers[key] = value or {"set": True}
    return {"headers": headers}


def read_events(sent: Sent) -> dict[str, Any]:
    """Event types, and at an organization the contexts it listens to."""
    more = [line.strip() for line in sent.get("more_types", "").splitlines() if line.strip()]
    types = ["*"] if sent.get("every") == "yes" else [*sent.getlist("event_types"), *more]
    change: dict[str, Any] = {"event_types": types}
    if "contexts_offered" in sent:
        heard = set(sent.getlist("heard"))
        change["muted_contexts"] = [one for one in sent.getlist("contexts_offered") if one not in heard]
    return change


def read_batch(sent: Sent) -> dict[str, Any]:
    """When a batch closes."""
    return {
        "batch": {
            "max_events": _number(sent, "batch.max_events"),
            "max_bytes": _batch_size(sent, "batch.max_bytes"),
            "max_age_s": read_duration(sent.get("batch.max_age_s", ""), "batch.max_age_s"),
        }
    }


def read_retry(sent: Sent) -> dict[str, Any]:
    """The waits between tries."""
    return {"retry": {"schedule_s": read_durations(sent.get("retry.schedule_s", ""), "retry.schedule_s")}}


def read_pace(sent: Sent) -> dict[str, Any]:
    """How fast, how many at once, and what a failing delivery does to those behind it."""
    rate = sent.get("rate_limit.per_s", "").strip()
    return {
        "rate_limit": {"per_s": _number(sent, "rate_limit.per_s")} if rate else None,
        "concurrency": _number(sent, "concurrency"),
        "failing_head": sent.get("failing_head", "steps_aside"),
    }


def read_conditions(sent: Sent) -> dict[str, Any]:
    """The filter and the rule about change windows."""
    text = sent.get("filter", "").strip()
    return {
        "filter": _json(text) if text else None,
        "only_outside_change_windows": "only_outside_change_windows" in sent,
    }


READERS: dict[str, Callable[[Sent], dict[str, Any]]] = {
    "name": read_name,
    "endpoint": read_endpoint,
    "headers": read_headers,
    "events": read_events,
    "batch": read_batch,
    "retry": read_retry,
    "pace": read_pace,
    "conditions": read_conditions,
}
"""By the name of the section."""


def _number(sent: Sent, name: str) -> int:
    number = whole_number(sent.get(name, "").strip())
    if number is None:
        raise InvalidInputError("must be a whole number", field=name)
    return number


def _batch_size(sent: Sent, name: str) -> int:
    size = read_size(sent.get(name, ""), name)
    if not MIN_BATCH_BYTES <= size <= MAX_BATCH_BYTES:
        raise InvalidInputError(f"use {shown_size(MIN_BATCH_BYTES)} to {shown_size(MAX_BATCH_BYTES)}", field=name)
    return size


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"is not JSON: line {error.lineno}, column {error.colno}", field="filter") from None
