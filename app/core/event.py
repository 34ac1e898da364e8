"""The canonical event: one shape for every source, and its JSON as receivers get it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

import orjson

from app.core.clock import Micros, to_rfc3339
from app.core.windows.decision import NO_WINDOW, WindowDecision


class Change(TypedDict):
    """One changed setting. A secret one has ``***`` on both sides, unless a side was empty."""

    field: str
    path: str | None
    before: Any
    after: Any
    secret: bool


class CanonicalEvent(NamedTuple):
    """One configuration-audit event, masked and bounded. Times are microseconds since the epoch.

    Args:
        id: the source's id when it is fit for a URL, else one derived from ``dedupe_key``.
        type: the event type, such as ``entrypoint.configuration.audit``.
        organization_id: None when neither the element nor the caller named one.
        organization_name: as the element gave it.
        service: first part of the type.
        context_id: None for an event of Organization scope.
        context_name: as the element gave it.
        occurred_at: when it happened, or when it was received if the element does not say.
        actor_type: admin, group_admin, self_service_user, api_token, system or unknown.
        actor_id: the source's id of the actor.
        actor_email: None for the system.
        action: create, add, view, update, delete, remove, execute or other.
        entity_type: what kind of thing changed; None with the two below when unknown.
        entity_id: its id.
        entity_name: its name.
        description: one line for people.
        changes: what changed, possibly nothing.
        tags: sorted tags of the changed settings.
        sensitivity: 1 to 5; None for RADIUS records, which are no changes (see ``app.core.radius``).
        sensitivity_rule: the name of the rule that decided it.
        metadata: what the source said beyond this; unknown keys are under ``_extra``.
        source_format: flat, nested, canonical, cloudevents or generic.
        dedupe_key: 16 bytes; two elements with the same key are the same event.
    """

    id: str
    type: str
    organization_id: str | None
    organization_name: str | None
    service: str
    context_id: str | None
    context_name: str | None
    occurred_at: Micros
    actor_type: str
    actor_id: str | None
    actor_email: str | None
    action: str
    entity_type: str | None
    entity_id: str | None
    entity_name: str | None
    description: str
    changes: tuple[Change, ...]
    tags: tuple[str, ...]
    sensitivity: int | None
    sensitivity_rule: str
    metadata: dict[str, Any]
    source_format: str
    dedupe_key: bytes

    def to_json(
        self,
        *,
        received_at: Micros,
        organization_name: str | None = None,
        context_name: str | None = None,
        windows: WindowDecision = NO_WINDOW,
    ) -> bytes:
        """The canonical event as UTF-8 JSON.

        Args:
            received_at: when this instance took it in.
            organization_name: the name on record; None takes the element's own.
            context_name: the name on record; None takes the element's own.
            windows: what the organization's change windows say of the event.
        """
        entity = None
        if self.entity_type is not None or self.entity_id is not None or self.entity_name is not None:
            entity = {"type": self.entity_type, "id": self.entity_id, "name": self.entity_name}
        context = None
        if self.context_id is not None:
            context = {"id": self.context_id, "name": context_name or self.context_name}
        return orjson.dumps(
            {
                "id": self.id,
                "type": self.type,
                "occurred_at": to_rfc3339(self.occurred_at),
                "received_at": to_rfc3339(received_at),
                "organization": {"id": self.organization_id, "name": organization_name or self.organization_name},
                "service": self.service,
                "context": context,
                "actor": {"type": self.actor_type, "id": self.actor_id, "email": self.actor_email},
                "action": self.action,
                "entity": entity,
                "description": self.description,
                "changes": self.changes,
                "tags": self.tags,
                "sensitivity": self.sensitivity,
                "sensitivity_rule": self.sensitivity_rule,
                "outside_change_window": windows.outside,
                "change_windows": windows.named,
                "metadata": self.metadata,
                "source": {"format": self.source_format},
            }
        )
