"""Looking at accepted events, and at why each webhook got one or did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy import ColumnElement, Connection, Row, func, select

from app.core.clock import Micros
from app.core.errors import NotFoundError
from app.core.ids import delivery_id
from app.core.radius import RADIUS_TYPES
from app.core.states import DeliveryState
from app.routing.match import Decision, explain
from app.security.scope import Scope
from app.store.engine import Store
from app.store.routes import read_routes
from app.store.tables import IS_CHANGE, IS_RADIUS_RECORD, deliveries, events, webhooks

CHUNK = 500
SCAN_LIMIT = 10_000
"""Rows looked at for one page; a narrow text filter then answers a short page with a cursor to go on from."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What events to list; None = any. ``since`` and ``until`` bound the time of receipt.

    RADIUS records are no changes, and are listed only where ``event_type`` names one of their types.
    """

    organization: str | None = None
    context: str | None = None
    event_type: str | None = None
    actor: str | None = None
    action: str | None = None
    tag: str | None = None
    sensitivity_min: int | None = None
    outside_window: bool | None = None
    since: Micros | None = None
    until: Micros | None = None
    q: str | None = None


class EventHistory:
    """Events within the caller's scope, newest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(
        self, scope: Scope, wanted: EventFilter, *, before: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """A page of canonical events, and the sequence number to go on before (None = this was the last)."""
        found: list[dict[str, Any]] = []
        last: int | None = None
        with self._store.read() as connection:
            for scanned, (seq, body) in enumerate(_scan(connection, scope, wanted, before)):
                if len(found) == limit or scanned == SCAN_LIMIT:
                    return found, last
                last = seq
                if _text_matches(body, wanted):
                    found.append(cast("dict[str, Any]", orjson.loads(body)))
        return found, None

    def get(self, scope: Scope, event_id: str, organization_id: str | None = None) -> dict[str, Any]:
        """One canonical event.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            row = _one(connection, scope, event_id, organization_id)
        return cast("dict[str, Any]", orjson.loads(row.body))

    def explain(self, scope: Scope, event_id: str, organization_id: str | None = None) -> dict[str, Any]:
        """Each webhook in reach of an event: whether it got it, and the reason.

        Raises:
            NotFoundError: there is no such event in this scope.
        """
        with self._store.read() as connection:
            row = _one(connection, scope, event_id, organization_id)
            routes = read_routes(connection, row.organization_id)
            owed = {
                one.webhook_pk: one
                for one in connection.execute(
                    select(deliveries, webhooks.c.id, webhooks.c.name)
                    .join(webhooks, webhooks.c.pk == deliveries.c.webhook_pk)
                    # The primary key begins with the webhook, so its own webhooks are looked up one by one.
                    .where(webhooks.c.organization_id == row.organization_id, deliveries.c.event_seq == row.seq)
                )
            }
        items = []
        seen = [route for route in routes if scope.covers(route.organization_id, route.context_id)]
        for route, decision in zip(seen, explain(seen, row.context_id, row.type), strict=True):
            delivery = owed.pop(route.webhook_pk, None)
            items.append(
                {
                    "webhook_id": route.webhook_id,
                    "webhook_name": route.name,
                    "matched": delivery is not None and delivery.state != DeliveryState.SKIPPED,
                    "reason": _reason(delivery, decision),
                    "delivery_id": delivery_id(route.webhook_id, row.seq) if delivery else None,
                    "state": DeliveryState(delivery.state).label if delivery else None,
                }
            )
        return {"event_id": event_id, "webhooks": items}


def _reason(delivery: Row[Any] | None, decision: Decision) -> str:
    """A delivery that exists tells how it was when the event came; for the others the present rules speak."""
    if delivery is not None:
        if delivery.state == DeliveryState.SKIPPED:
            return str(delivery.reason)
        return "scope, event type and conditions matched when the event came"
    if decision.matched:
        return "it would match now; the webhook was created or changed after the event came"
    return decision.reason


def _scan(connection: Connection, scope: Scope, wanted: EventFilter, before: int | None) -> Iterator[tuple[int, bytes]]:
    conditions = [*scope.within(events), *_conditions(wanted)]
    while True:
        statement = select(events.c.seq, events.c.body).where(*conditions).order_by(events.c.seq.desc()).limit(CHUNK)
        if before is not None:
            statement = statement.where(events.c.seq < before)
        rows = connection.execute(statement).all()
        for seq, body in rows:
            yield seq, body
            before = seq
        if len(rows) < CHUNK:
            return


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    offered: list[tuple[object, ColumnElement[bool]]] = [
        (wanted.organization, events.c.organization_id == wanted.organization),
        (wanted.context, events.c.context_id == wanted.context),
        (wanted.event_type, events.c.type == wanted.event_type),
        (wanted.action, events.c.action == wanted.action),
        (wanted.actor, func.lower(events.c.actor_email).contains((wanted.actor or "").lower(), autoescape=True)),
        (wanted.sensitivity_min, events.c.sensitivity >= (wanted.sensitivity_min or 0)),
        (wanted.since, events.c.received_at >= (wanted.since or 0)),
        (wanted.until, events.c.received_at < (wanted.until or 0)),
    ]
    # In these words, which are those of an index each.
    kind = IS_RADIUS_RECORD if wanted.event_type in RADIUS_TYPES else IS_CHANGE
    return [kind, *(condition for value, condition in offered if value is not None)]


def _text_matches(body: bytes, wanted: EventFilter) -> bool:
    if wanted.q is not None and wanted.q.lower() not in body.decode("utf-8", "replace").lower():
        return False
    if wanted.tag is None and wanted.outside_window is None:
        return True
    event = orjson.loads(body)
    if wanted.outside_window is not None and event["outside_change_window"] is not wanted.outside_window:
        return False
    return wanted.tag is None or wanted.tag in event["tags"]


def _one(connection: Connection, scope: Scope, event_id: str, organization_id: str | None) -> Row[Any]:
    """Event ids are unique within an organization only; without one the newest in scope is meant."""
    statement = select(events).where(events.c.id == event_id, *scope.within(events))
    if organization_id is not None:
        statement = statement.where(events.c.organization_id == organization_id)
    row = connection.execute(statement.order_by(events.c.seq.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFoundError("no such event")
    return row
