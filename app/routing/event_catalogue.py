"""The catalogue of event types, with those that an organization's sources brought along."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.core.event_types import EVENT_TYPES, service_of
from app.security.scope import Scope
from app.store.engine import Store
from app.store.seen_types import types_seen


class EventCatalogue:
    """Event types within the caller's scope."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def by_service(self, scope: Scope) -> list[dict[str, Any]]:
        """Every known type, by service; ``listed`` is False for one that is known from its first event only."""
        with self._store.read() as connection:
            seen = types_seen(connection, scope.organization_id)
        found: dict[str, list[dict[str, Any]]] = {}
        for one in EVENT_TYPES:
            found.setdefault(one.service, []).append(asdict(one) | {"listed": True})
        for name in seen:
            service = service_of(name)
            told = {"id": name, "service": service, "title": name, "deliverable": True, "reason": "", "listed": False}
            found.setdefault(service, []).append(told)
        return [{"service": service, "event_types": types} for service, types in found.items()]
