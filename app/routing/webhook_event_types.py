"""Which event types a webhook can enable.

The catalogue is no fence: an unlisted type is accepted, stored and delivered. Only what the platform counts but never
pushes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.errors import InvalidInputError
from app.core.event_types import find_event_type

EVERY_TYPE = "*"
MAX_TYPES = 100
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}")
_RADIUS = "RADIUS outcomes and accounting records are kept as counters; there is no feed of them to deliver."


def check_event_types(names: Sequence[str]) -> list[str]:
    """The enabled types of a webhook, without repetition; ``*`` stands for all, present and future.

    Raises:
        InvalidInputError: a name is malformed or cannot be delivered.
    """
    if not names:
        raise InvalidInputError("enable at least one event type, or * for all", field="event_types")
    if len(names) > MAX_TYPES:
        raise InvalidInputError(f"at most {MAX_TYPES} event types", field="event_types")
    for index, name in enumerate(names):
        if name != EVERY_TYPE:
            _check(name, f"event_types.{index}")
    return [EVERY_TYPE] if EVERY_TYPE in names else list(dict.fromkeys(names))


def _check(name: str, field: str) -> None:
    known = find_event_type(name)
    if known is not None and not known.deliverable:
        raise InvalidInputError(f"{name} cannot be enabled: {known.reason}", field=field)
    if ".radius." in f".{name.lower()}.":
        raise InvalidInputError(f"{name} cannot be enabled: {_RADIUS}", field=field)
    if not _TYPE.fullmatch(name):
        raise InvalidInputError("is not an event type such as entrypoint.configuration.audit", field=field)
