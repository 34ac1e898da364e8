"""The event types a webhook can enable, by the service that emits them.

The list is data, not a fence: an unknown type is accepted, stored and delivered. Only what the platform counts but
never pushes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import InvalidInputError

EVERY_TYPE = "*"
MAX_TYPES = 100
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_-]+){1,6}")
_NOT_PUSHED = "RADIUS outcomes and accounting records are counted per Context and never delivered by webhook"


@dataclass(frozen=True, slots=True)
class EventType:
    """One known event type. ``reason`` says why it cannot be delivered."""

    name: str
    service: str
    title: str
    reason: str = ""

    @property
    def deliverable(self) -> bool:
        """Whether a webhook can have it."""
        return not self.reason


CATALOGUE: tuple[EventType, ...] = (
    EventType("entrypoint.configuration.audit", "entrypoint", "A change of an EntryPoint Context's configuration"),
    EventType("organization.configuration.audit", "organization", "A change of the Organization, webhooks included"),
    EventType("merakiwpn.configuration.audit", "merakiwpn", "A change of an EasyPSK Context's configuration"),
    EventType("ise.configuration.audit", "ise", "A change of an Endpoint Manager Context's configuration"),
    EventType("signin.configuration.audit", "signin", "A change of a Sign-In Context's configuration"),
    *(
        EventType(f"signin.session.{word}", "signin", f"A guest session was {word}")
        for word in ("created", "resumed", "requested", "approved", "verified", "denied", "revoked")
    ),
    EventType("signin.arenasession.login", "signin", "An arena session began"),
    EventType("signin.arenasession.resumed", "signin", "An arena session was resumed"),
    EventType("signin.dhcp.granted", "signin", "A guest device was granted an address"),
    EventType("entrypoint.radius.authentication", "entrypoint", "A RADIUS authentication outcome", _NOT_PUSHED),
    EventType("entrypoint.radius.accounting", "entrypoint", "A RADIUS accounting record", _NOT_PUSHED),
)
"""Known types in the order in which they are shown."""


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
        _check(name, f"event_types.{index}")
    return [EVERY_TYPE] if EVERY_TYPE in names else list(dict.fromkeys(names))


def _check(name: str, field: str) -> None:
    if name == EVERY_TYPE:
        return
    if ".radius." in f".{name}.":
        raise InvalidInputError(f"{name} cannot be enabled: {_NOT_PUSHED}", field=field)
    if not _TYPE.fullmatch(name):
        raise InvalidInputError("is not an event type such as entrypoint.configuration.audit", field=field)
