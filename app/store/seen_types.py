"""Event types by first sight: what sources send beyond the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.store.tables_policies import seen_types

MOST_SHOWN = 500
"""Types of one organization that are listed; a source that invents a type per event must not fill a page."""


def remember_types(connection: Connection, pairs: Iterable[tuple[str, str]], now: Micros) -> None:
    """Write down types, each with its organization, that are not known yet."""
    rows = [{"organization_id": organization, "type": name, "first_seen": now} for organization, name in sorted(pairs)]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(seen_types).on_conflict_do_nothing(), rows)


def types_seen(connection: Connection, organization_id: str | None) -> dict[str, Micros]:
    """Types beyond the catalogue that an organization, or any, has sent, each with when it was first seen."""
    name = seen_types.c.type
    statement = select(name, func.min(seen_types.c.first_seen)).group_by(name).order_by(name).limit(MOST_SHOWN)
    if organization_id is not None:
        statement = statement.where(seen_types.c.organization_id == organization_id)
    return {found: int(at) for found, at in connection.execute(statement)}
