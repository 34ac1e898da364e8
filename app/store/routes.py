"""Reading what routing needs to know of webhooks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from app.core.clock import SECOND, Micros
from app.core.filters import Filter, stored_filter
from app.core.states import Mode
from app.store.tables import webhooks


@dataclass(frozen=True, slots=True)
class Route:
    """One webhook as routing sees it. ``event_types`` None = every type, present and future."""

    webhook_pk: int
    webhook_id: str
    name: str
    organization_id: str
    context_id: str | None
    partition: int
    state: str
    event_types: frozenset[str] | None
    mode: Mode
    batch_max_age: Micros
    muted_contexts: frozenset[str] = frozenset()
    filter: Filter | None = None
    only_outside_change_windows: bool = False
    has_endpoint: bool = True
    has_sink: bool = True

    @property
    def has_conditions(self) -> bool:
        """Whether the content of an event decides, and not only its place and type."""
        return self.filter is not None or self.only_outside_change_windows


_GENERATION = "SELECT value FROM counters WHERE name = 'routing_generation'"


def routing_generation(connection: Connection) -> int:
    """A number that changes with every change of any webhook."""
    return int(connection.exec_driver_sql(_GENERATION).scalar_one())


def enabled_versions(connection: Connection, webhook_pks: Collection[int]) -> dict[int, int]:
    """The present versions of those of these webhooks that are enabled."""
    statement = select(webhooks.c.pk, webhooks.c.version).where(
        webhooks.c.pk.in_(webhook_pks), webhooks.c.state == "enabled"
    )
    return {row.pk: row.version for row in connection.execute(statement)} if webhook_pks else {}


def read_routes(
    connection: Connection, organization_id: str | None = None, *, webhook_id: str | None = None
) -> list[Route]:
    """Every webhook that is not deleted, of one organization or of all; or only the one of this id."""
    statement = select(webhooks).where(webhooks.c.deleted_at.is_(None)).order_by(webhooks.c.pk)
    if organization_id is not None:
        statement = statement.where(webhooks.c.organization_id == organization_id)
    if webhook_id is not None:
        statement = statement.where(webhooks.c.id == webhook_id)
    return [_route(row) for row in connection.execute(statement)]


def read_route(connection: Connection, webhook_pk: int, *, lock: bool = False) -> Route | None:
    """One webhook, None when it was deleted; ``lock`` keeps it as it is until the transaction ends."""
    statement = select(webhooks).where(webhooks.c.pk == webhook_pk, webhooks.c.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update(read=True)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _route(row)


def _route(row: Row[Any]) -> Route:
    types = orjson.loads(row.event_types)
    return Route(
        webhook_pk=row.pk,
        webhook_id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        context_id=row.context_id,
        partition=row.partition,
        state=row.state,
        event_types=None if "*" in types else frozenset(types),
        mode=Mode(row.mode),
        batch_max_age=row.batch_max_age_s * SECOND,
        muted_contexts=frozenset(orjson.loads(row.muted_contexts)),
        filter=stored_filter(orjson.loads(row.filter)) if row.filter else None,
        only_outside_change_windows=row.only_outside_change_windows,
        has_endpoint=row.endpoint_sealed is not None,
        has_sink=row.sink is not None,
    )
