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
from app.routing.event_text import Needle, needle_of
from app.routing.match import Decision, explain
from app.security.scope import Scope
from app.store.engine import Store
from app.store.routes import read_routes
from app.store.spans import EVERYTHING, Span, span_of
from app.store.tables import IS_CHANGE, IS_RADIUS_RECORD, deliveries, events, webhooks

CHUNK = 500
SCAN_LIMIT = 10_000
"""Events read for one page; a text that few of them have then answers a short page with a cursor to go on from."""
LOOK_LIMIT = 100_000
"""Events whose columns are looked at for one page, in the same way."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What events to list; None = any. ``since`` and ``until`` bound the time of receipt.

    ``actor`` is a part of an address, or of the id or type of an actor that has none, such as ``system``.

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
        needle = None if wanted.q is None else needle_of(wanted.q)
        with self._store.read() as connection:
            span = _span(connection, scope, wanted).below(before)
            floor = _floor(connection, scope, wanted, span)
            looked_at = Span(span.first if floor is None else floor, span.last)
            for scanned, (seq, body, address) in enumerate(_scan(connection, scope, wanted, looked_at)):
                if len(found) == limit or scanned == SCAN_LIMIT:
                    return found, last
                last = seq
                if _text_matches(body, wanted, needle) and _actor_matches(body, address, wanted):
                    found.append(cast("dict[str, Any]", orjson.loads(body)))
        return found, floor

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


def _span(connection: Connection, scope: Scope, wanted: EventFilter) -> Span:
    """The numbers that events of the wanted time can have; all of them where no organization is named."""
    organization = wanted.organization or scope.organization_id
    if organization is None:
        return EVERYTHING
    return span_of(connection, organization, wanted.since, wanted.until)


def _floor(connection: Connection, scope: Scope, wanted: EventFilter, span: Span) -> int | None:
    """The lowest number of the events that one page looks at; None = it looks at all that are left."""
    if not _conditions(wanted) and scope.context_id is None:
        return None
    numbers = select(events.c.seq).where(*_list(scope, wanted), events.c.seq.between(*span))
    last = numbers.order_by(events.c.seq.desc()).offset(LOOK_LIMIT - 1).limit(1)
    return connection.execute(last).scalar_one_or_none()


def _scan(
    connection: Connection, scope: Scope, wanted: EventFilter, span: Span
) -> Iterator[tuple[int, bytes, str | None]]:
    conditions = [*_list(scope, wanted), *scope.within(events), *_conditions(wanted)]
    while True:
        columns = (events.c.seq, events.c.body, events.c.actor_email)
        mine = select(*columns).where(*conditions, events.c.seq.between(*span))
        rows = connection.execute(mine.order_by(events.c.seq.desc()).limit(CHUNK)).all()
        for seq, body, address in rows:
            yield seq, body, address
            span = span.below(seq)
        if len(rows) < CHUNK:
            return


def _list(scope: Scope, wanted: EventFilter) -> list[ColumnElement[bool]]:
    """What an index knows of the list: whose it is, and of which kind. In these words, which are those of an index."""
    organization = wanted.organization or scope.organization_id
    kind = IS_RADIUS_RECORD if wanted.event_type in RADIUS_TYPES else IS_CHANGE
    return [kind] if organization is None else [kind, events.c.organization_id == organization]


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """What each event on the way is asked."""
    # A sum hides the times from their own index, whose order is not the list's.
    received_at = events.c.received_at + 0
    offered: list[tuple[object, ColumnElement[bool]]] = [
        (wanted.context, events.c.context_id == wanted.context),
        (wanted.event_type, events.c.type == wanted.event_type),
        (wanted.action, events.c.action == wanted.action),
        (wanted.actor, _may_be(wanted.actor or "")),
        (wanted.sensitivity_min, events.c.sensitivity >= (wanted.sensitivity_min or 0)),
        (wanted.since, received_at >= (wanted.since or 0)),
        (wanted.until, received_at < (wanted.until or 0)),
    ]
    return [condition for value, condition in offered if value is not None]


def _may_be(actor: str) -> ColumnElement[bool]:
    """Whether somebody of this address did it, or somebody without one, whose name only the event has."""
    address = events.c.actor_email
    matches = func.lower(address).contains(actor.lower(), autoescape=True)
    return matches if "@" in actor else matches | address.is_(None)


def _text_matches(body: bytes, wanted: EventFilter, needle: Needle | None) -> bool:
    if needle is not None and not needle.is_in(body):
        return False
    if wanted.tag is None and wanted.outside_window is None:
        return True
    event = orjson.loads(body)
    if wanted.outside_window is not None and event["outside_change_window"] is not wanted.outside_window:
        return False
    return wanted.tag is None or wanted.tag in event["tags"]


def _actor_matches(body: bytes, address: str | None, wanted: EventFilter) -> bool:
    """An address was compared already; who has none is told by id and type."""
    if wanted.actor is None or address is not None:
        return True
    actor = orjson.loads(body)["actor"]
    names = f"{actor['id'] or ''}\n{actor['type']}"
    return wanted.actor.lower().replace("_", " ") in names.lower().replace("_", " ")


def _one(connection: Connection, scope: Scope, event_id: str, organization_id: str | None) -> Row[Any]:
    """Event ids are unique within an organization only; without one the newest in scope is meant."""
    statement = select(events).where(events.c.id == event_id, *scope.within(events))
    if organization_id is not None:
        statement = statement.where(events.c.organization_id == organization_id)
    row = connection.execute(statement.order_by(events.c.seq.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFoundError("no such event")
    return row
