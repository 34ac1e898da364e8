"""Which webhooks get an event, and why not the others.

A Context webhook sees its own Context. An Organization webhook sees every Context and the Organization itself.
A paused webhook is still owed its events; they are held. A disabled one, or one without an endpoint, is owed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.core.clock import Micros
from app.core.event_types import find_event_type
from app.core.states import Mode
from app.store.routes import Route, read_routes, routing_generation

MEMO_LIMIT = 20_000
"""Distinct (organization, context, type) triples remembered before the memo starts over."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a webhook gets an event, with the reason in a sentence."""

    webhook_id: str
    webhook_name: str
    matched: bool
    reason: str


class RoutingTable:
    """Routes of one moment, indexed by organization, with a memo of answers by (organization, context, type)."""

    def __init__(self, routes: Iterable[Route], generation: int) -> None:
        self.generation = generation
        self._by_organization: dict[str, list[Route]] = {}
        for route in routes:
            self._by_organization.setdefault(route.organization_id, []).append(route)
        self._memo: dict[tuple[str, str | None, str], tuple[Route, ...]] = {}

    def matching(self, organization_id: str, context_id: str | None, event_type: str) -> tuple[Route, ...]:
        """The routes that get an event, in the order of their creation."""
        key = (organization_id, context_id, event_type)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
            candidates = self._by_organization.get(organization_id, ())
            found = tuple(route for route in candidates if refusal(route, context_id, event_type) is None)
            self._memo[key] = found
        return found


def refusal(route: Route, context_id: str | None, event_type: str) -> str | None:
    """Why this route of the event's organization does not get it; None when it does."""
    known = find_event_type(event_type)
    if known is not None and not known.deliverable:
        return f"event type {event_type} is never delivered"
    if route.context_id is not None and route.context_id != context_id:
        return f"the event belongs to {_place(context_id)}, the webhook to context {route.context_id}"
    if route.event_types is not None and event_type not in route.event_types:
        return f"event type {event_type} is not among the enabled ones"
    if route.state == "needs_endpoint":
        return "the webhook has no endpoint yet"
    if route.state == "disabled":
        return "the webhook is disabled"
    return None


def _place(context_id: str | None) -> str:
    return f"context {context_id}" if context_id else "the organization itself"


def due_time(route: Route, now: Micros) -> Micros | None:
    """When a new delivery on this route is due: at once, when its batch is too old, or never while paused."""
    if route.state == "paused":
        return None
    return now + route.batch_max_age if route.mode is Mode.BATCH else now


def explain(routes: Sequence[Route], context_id: str | None, event_type: str) -> list[Decision]:
    """The decision for each webhook of the event's organization."""
    decisions = []
    for route in routes:
        reason = refusal(route, context_id, event_type)
        yes = "scope and event type match" + (", held while the webhook is paused" if route.state == "paused" else "")
        decisions.append(Decision(route.webhook_id, route.name, reason is None, reason or yes))
    return decisions


class Router:
    """Keeps a routing table and renews it when any webhook changed, judged inside the caller's transaction."""

    def __init__(self) -> None:
        self._table = RoutingTable((), -1)

    def table(self, connection: Connection) -> RoutingTable:
        """The table that is true for this transaction."""
        generation = routing_generation(connection)
        if generation != self._table.generation:
            self._table = RoutingTable(read_routes(connection), generation)
        return self._table
