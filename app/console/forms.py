"""Between forms and use cases: what was typed as values, and what was wrong by field."""

from __future__ import annotations

import re

from pydantic import ValidationError

from app.core.errors import ConflictError, ForbiddenError, InvalidInputError, NoContextError

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
    "per_s": "Deliveries per second",
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
    "Input should be 'instant' or 'batch'": "Choose one of the two.",
    "Input should be a valid dictionary": "Write a JSON object, in braces.",
}
_REWORDED = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Input should be greater than or equal to (\S{1,30})", r"Use \1 or more."),
        (r"Input should be less than or equal to (\S{1,30})", r"Use \1 at most."),
        (r"(?:String|Value) should have at least (\d{1,10}) characters?", r"Use at least \1 characters."),
        (r"(?:String|Value) should have at most (\d{1,10}) characters?", r"Use at most \1 characters."),
        (
            r"Value should have at (least|most) (\d{1,10}) items? after validation, not \d{1,10}",
            r"Use at \1 \2 characters.",
        ),
        (r"\w{1,20} should have at (least|most) (\d{1,10}) items? after validation, not \d{1,10}", r"Give at \1 \2."),
        (r"Input should be a valid (?:integer|number).{0,80}", "Write a number."),
    )
)
"""What a model says of a value, and what people read."""
_PLACE_IN_LIST = re.compile(r"\.\d{1,10}$")


def errors_of(error: ValidationError | InvalidInputError | ConflictError | ForbiddenError | NoContextError) -> Errors:
    """What is wrong, by field. A value that was typed is not repeated."""
    if isinstance(error, NoContextError):
        return {"context_id": "There is no such context any more; choose another place."}
    if isinstance(error, ConflictError | ForbiddenError):
        return {"": sentence(str(error))}
    if isinstance(error, InvalidInputError):
        said = [(error.field, error.detail)]
    else:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        said = [(".".join(map(str, one["loc"])), one["msg"]) for one in problems]
    found: Errors = {}
    for field, words in said:
        name, _, place = field.partition("/")
        found.setdefault(_PLACE_IN_LIST.sub("", name), _reworded(f"at /{place}: {words}" if place else words))
    return found


def _reworded(said: str) -> str:
    if said in _SHORTER:
        return _SHORTER[said]
    for pattern, words in _REWORDED:
        if found := pattern.fullmatch(said):
            return found.expand(words)
    return sentence(said)


def sentence(words: str) -> str:
    """Words as a sentence of their own, without the marks around code."""
    text = words.strip().removeprefix("Value error, ").replace("`", "")
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
