"""The catalogue of event types. It is data: an unlisted type is accepted, stored and delivered all the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type.

    Args:
        id: the type as sources send it.
        service: the service it belongs to, the first part of the id.
        title: a short name for people.
        deliverable: False when the platform never sends it by webhook.
        reason: why it is not deliverable, else "".
    """

    id: str
    service: str
    title: str
    deliverable: bool = True
    reason: str = ""


_NO_FEED = (
    "The platform keeps {} as counters and in each group's Connected Devices list; it offers no push feed of them, "
    "so there is nothing that Relaypoint could deliver."
)

EVENT_TYPES: tuple[EventType, ...] = (
    EventType("entrypoint.configuration.audit", "entrypoint", "EntryPoint configuration changed"),
    EventType(
        "entrypoint.radius.authentication",
        "entrypoint",
        "RADIUS authentication outcome",
        deliverable=False,
        reason=_NO_FEED.format("RADIUS authentication outcomes"),
    ),
    EventType(
        "entrypoint.radius.accounting",
        "entrypoint",
        "RADIUS accounting record",
        deliverable=False,
        reason=_NO_FEED.format("RADIUS accounting records"),
    ),
    EventType("organization.configuration.audit", "organization", "Organization configuration changed"),
    EventType("merakiwpn.configuration.audit", "merakiwpn", "EasyPSK configuration changed"),
    EventType("ise.configuration.audit", "ise", "Endpoint Manager configuration changed"),
    EventType("signin.configuration.audit", "signin", "Sign In configuration changed"),
    EventType("signin.session.created", "signin", "Sign In session created"),
    EventType("signin.session.resumed", "signin", "Sign In session resumed"),
    EventType("signin.session.requested", "signin", "Sign In session requested"),
    EventType("signin.session.approved", "signin", "Sign In session approved"),
    EventType("signin.session.verified", "signin", "Sign In session verified"),
    EventType("signin.session.denied", "signin", "Sign In session denied"),
    EventType("signin.session.revoked", "signin", "Sign In session revoked"),
    EventType("signin.arenasession.login", "signin", "Sign In arena session opened"),
    EventType("signin.arenasession.resumed", "signin", "Sign In arena session resumed"),
    EventType("signin.dhcp.granted", "signin", "Sign In DHCP lease granted"),
    EventType("signin.success", "signin", "Sign In succeeded"),
)
"""Every type the vendor's pages name, and the two that people ask for and cannot have."""

_BY_ID = {event_type.id: event_type for event_type in EVENT_TYPES}
_LONGEST_SERVICE = 64


def find_event_type(type_id: str) -> EventType | None:
    """The catalogue's entry of a type, or None for an unlisted one."""
    return _BY_ID.get(type_id)


def is_deliverable(type_id: str) -> bool:
    """Whether webhooks can get events of a type; what no catalogue lists can be delivered."""
    found = find_event_type(type_id)
    return found is None or found.deliverable


@lru_cache(maxsize=1024)
def service_of(type_id: str) -> str:
    """The service of an event type: its first dotted part, in lower case."""
    return type_id.partition(".")[0].strip().lower()[:_LONGEST_SERVICE] or "unknown"
