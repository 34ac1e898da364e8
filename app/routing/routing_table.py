"""The webhooks of each organization, indexed by where and what, so that an event costs what matches it and no more."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from app.routing.match import refusal
from app.store.routes import Route, read_routes, routing_generation

MEMO_LIMIT = 20_000
"""Distinct (organization, context, type) triples remembered before the memo starts over."""


class OrganizationRoutes:
    """The webhooks of one organization."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._index: dict[tuple[str | None, str | None], list[Route]] = {}
        for route in routes:
            for event_type in route.event_types or (None,):
                self._index.setdefault((route.context_id, event_type), []).append(route)

    def matching(self, context_id: str | None, event_type: str) -> tuple[Route, ...]:
        """Those that get an event, in the order of their creation."""
        places = (None,) if context_id is None else (None, context_id)
        found = [
            route
            for place in places
            for kind in (None, event_type)
            for route in self._index.get((place, kind), ())
            if refusal(route, context_id, event_type) is None
        ]
        return tuple(sorted(found, key=lambda route: route.webhook_pk))


class _Remembered:
    """What was read while the routing generation was this one."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.organizations: dict[str, OrganizationRoutes] = {}
        self.memo: dict[tuple[str, str | None, str], tuple[Route, ...]] = {}


class RoutingTable:
    """Routes as they are for one transaction; an organization is read with its first event."""

    def __init__(self, connection: Connection, remembered: _Remembered) -> None:
        self._connection = connection
        self._remembered = remembered

    def matching(self, organization_id: str, context_id: str | None, event_type: str) -> tuple[Route, ...]:
        """The routes that get an event, in the order of their creation."""
        memo = self._remembered.memo
        key = (organization_id, context_id, event_type)
        found = memo.get(key)
        if found is None:
            if len(memo) >= MEMO_LIMIT:
                memo.clear()
            found = memo[key] = self._routes(organization_id).matching(context_id, event_type)
        return found

    def _routes(self, organization_id: str) -> OrganizationRoutes:
        known = self._remembered.organizations
        if organization_id not in known:
            known[organization_id] = OrganizationRoutes(read_routes(self._connection, organization_id))
        return known[organization_id]


class Router:
    """Remembers routes, and forgets them when any webhook changed, judged inside the caller's transaction."""

    def __init__(self) -> None:
        self._remembered = _Remembered(-1)

    def table(self, connection: Connection) -> RoutingTable:
        """The table that is true for this transaction."""
        generation = routing_generation(connection)
        if generation != self._remembered.generation:
            self._remembered = _Remembered(generation)
        return RoutingTable(connection, self._remembered)
