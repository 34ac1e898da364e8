"""Between forms and use cases: what was typed as values, and what was wrong by field."""

from __future__ import annotations

import re

from pydantic import ValidationError

from app.core.errors import ConflictError, ForbiddenError, InvalidInputError

Errors = dict[str, str]
"""What is wrong by the dotted name of the field; "" is the form as a whole."""
_LABELS = {
    "type": "Webhook Type",
    "name": "Name",
    "context_id": "Context ID",
    "context_name": "Name",
    "timezone": "Time zone",
    "rate_per_s": "Events per second",
    "text": "Pasted text",
    "expires_at": "Ends",
    "endpoint_url": "Endpoint URL",
    "event_types": "Enabled events",
    "retry.schedule_s": "Waits between tries",
    "rate_limit.per_s": "Requests per second",
    "batch.max_events": "Events",
    "batch.max_bytes": "Size",
    "batch.max_age_s": "Age",
    "overlap_s": "Overlap",
    "since": "From",
    "until": "Until",
    "start": "From",
    "end": "Until",
    "starts_at": "From",
    "ends_at": "Until",
    "grace_minutes": "Grace",
}
_SHORTER = {
    "Field required": "Fill this in.",
    "String should have at least 1 character": "Fill this in.",
    "String should have at least 3 characters": "Use at least 3 characters.",
    "Input should be 'instant' or 'batch'": "Choose one of the two.",
    "Input should be a valid dictionary": "Write a JSON object, in braces.",
}


def errors_of(error: ValidationError | InvalidInputError | ConflictError | ForbiddenError) -> Errors:
    """What is wrong, by field. A value that was typed is not repeated."""
    if isinstance(error, ConflictError | ForbiddenError):
        return {"": sentence(str(error))}
    if isinstance(error, InvalidInputError):
        return {error.field: _SHORTER.get(error.detail) or sentence(error.detail)}
    found: Errors = {}
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        found.setdefault(".".join(map(str, one["loc"])), _SHORTER.get(one["msg"]) or sentence(one["msg"]))
    return found


def sentence(words: str) -> str:
    """Words as a sentence of their own."""
    text = words.strip().removeprefix("Value error, ")
    if not text:
        return text
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def label(field: str) -> str:
    """What a field is called in a list of errors."""
    if field in _LABELS:
        return _LABELS[field]
    return field.split(".", 1)[-1].replace("_", " ").capitalize()


def anchor(name: str) -> str:
    """A field's name as the id of its input."""
    return "f-" + re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
