"""The two envelopes that the vendor's services send, flat and nested."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.clock import Micros, to_rfc3339
from app.demo.cast import Actor
from app.demo.catalogue import Action
from app.demo.state import Change


class Shape(StrEnum):
    """Which envelope to write; mixed draws one per event."""

    FLAT = "flat"
    NESTED = "nested"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Happening:
    """One sample event before it is written in an envelope."""

    time: Micros
    action: Action
    told_as: str
    verb: str
    actor: Actor
    organization_id: str
    context_id: str | None
    context_name: str | None
    change: Change
    scenario: str | None
    source_ip: str

    @property
    def event_type(self) -> str:
        """The event type; the organization's own changes have their own."""
        return f"{'organization' if self.context_id is None else 'entrypoint'}.configuration.audit"

    @property
    def scope(self) -> str:
        """The sender's scope constant."""
        return "ORGANIZATION" if self.context_id is None else "ORGANIZATION_CTX_ENTRYPOINT"

    @property
    def metadata(self) -> dict[str, Any]:
        """What else the audit entry recorded, and which sample action and scenario this is."""
        extra = {"demoScenario": self.scenario} if self.scenario else {}
        return {"sourceIp": self.source_ip, "demoAction": self.told_as, **extra}


def flat(event: Happening, event_id: str) -> dict[str, Any]:
    """The envelope with an instance id, a text scope and a time in whole seconds."""
    action, change = event.action, event.change
    return {
        "id": event_id,
        "eventId": event.event_type,
        "scope": event.scope,
        "contextId": event.context_id,
        "contextName": event.context_name,
        "organizationId": event.organization_id,
        "timestamp": to_rfc3339(event.time)[:19] + "Z",
        "userId": event.actor.id,
        "userEmail": event.actor.email or "system",
        "action": event.verb,
        "module": "ENTRYPOINT" if event.context_id else "ORGANIZATION",
        "entity": {"type": action.resource_type, "id": change.entity_id},
        "changes": [
            {
                "field": action.label,
                "path": change.path,
                "secret": action.secret,
                "before": change.before,
                "after": change.after,
            }
        ],
        "metadata": event.metadata,
    }


def nested(event: Happening) -> dict[str, Any]:
    """The envelope without an instance id; its milliseconds and content tell two events apart."""
    action, change = event.action, event.change
    scope: dict[str, Any] = {"type": event.scope, "organizationId": event.organization_id}
    if event.context_id:
        scope |= {"contextId": event.context_id, "contextName": event.context_name}
    actor = {"type": event.actor.kind} | ({"email": event.actor.email} if event.actor.email else {})
    field = {"name": action.label, "path": change.path, "before": change.before, "after": change.after}
    return {
        "eventId": event.event_type,
        "eventTime": to_rfc3339(event.time),
        "scope": scope,
        "actor": actor,
        "change": {
            "entity": "".join(word.capitalize() for word in action.resource_type.split("_")),
            "entityId": change.entity_id,
            "action": event.verb,
            "fields": [field],
        },
        "metadata": event.metadata,
    }
