"""The catalogue of event types, with those that an organization's sources brought along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.core.clock import to_rfc3339
from app.core.event_types import EVENT_TYPES, service_of
from app.security.scope import Scope
from app.sinks.types import PluginEventType
from app.store.engine import Store
from app.store.seen_types import types_seen


class EventCatalogue:
    """Event types within the caller's scope.

    Args:
        store: the database, which knows what sources brought along.
        plugins: types that plugins list.
    """

    def __init__(self, store: Store, plugins: Sequence[PluginEventType] = ()) -> None:
        self._store = store
        self._titles = {one.id: one.title for one in plugins}

    def by_service(self, scope: Scope) -> list[dict[str, Any]]:
        """Every known type, by service; ``listed`` is False for one that is known from its first event only.

        ``first_seen`` tells when that was, None for types of our own catalogue.
        """
        with self._store.read() as connection:
            seen = types_seen(connection, scope.organization_id)
        found: dict[str, list[dict[str, Any]]] = {}
        for one in EVENT_TYPES:
            found.setdefault(one.service, []).append(asdict(one) | {"listed": True, "first_seen": None})
        for name in sorted({*seen, *self._titles}):
            service, title = service_of(name), self._titles.get(name)
            told = {"id": name, "service": service, "title": title or name, "deliverable": True, "reason": ""}
            first_seen = to_rfc3339(seen[name]) if name in seen else None
            found.setdefault(service, []).append(told | {"listed": title is not None, "first_seen": first_seen})
        return [{"service": service, "event_types": types} for service, types in found.items()]
