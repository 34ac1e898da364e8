"""Reading and writing sources and the counts of what came of their requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.store.tables_sources import source_counts, sources


class Counted(NamedTuple):
    """How often something came of the requests of a source, and when it last did."""

    source_id: str
    outcome: str
    number: int
    last_at: Micros


def source_row(
    connection: Connection, source_id: str, conditions: Sequence[ColumnElement[bool]] = (), *, lock: bool = False
) -> RowMapping | None:
    """One source, or None when there is none of this id that meets the conditions."""
    statement = select(sources).where(sources.c.id == source_id, *conditions)
    if lock:
        statement = statement.with_for_update()
    return connection.execute(statement).mappings().one_or_none()


def source_rows(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], *, after: str, limit: int
) -> list[RowMapping]:
    """Sources by id from behind ``after``."""
    statement = select(sources).where(sources.c.id > after, *conditions).order_by(sources.c.id).limit(limit)
    return list(connection.execute(statement).mappings())


def source_number(connection: Connection, organization_id: str) -> int:
    """How many sources an organization has."""
    statement = select(func.count()).select_from(sources).where(sources.c.organization_id == organization_id)
    return int(connection.execute(statement).scalar_one())


def add_source(connection: Connection, values: Mapping[str, Any]) -> None:
    """Write a new source."""
    connection.execute(insert(sources).values(**values))


def change_source(connection: Connection, source_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a source."""
    connection.execute(update(sources).where(sources.c.id == source_id).values(**values))


def drop_source(connection: Connection, source_id: str) -> None:
    """Delete a source and what was counted of it."""
    connection.execute(delete(source_counts).where(source_counts.c.source_id == source_id))
    connection.execute(delete(sources).where(sources.c.id == source_id))


def counts_of(connection: Connection, source_ids: Collection[str]) -> dict[str, list[Counted]]:
    """What was counted of some sources; each has a handful of rows at most."""
    found: dict[str, list[Counted]] = {source_id: [] for source_id in source_ids}
    statement = select(source_counts).where(source_counts.c.source_id.in_(source_ids))
    for row in connection.execute(statement):
        found[row.source_id].append(Counted(*row))
    return found


def raise_counts(connection: Connection, counted: Collection[Counted]) -> None:
    """Add to the counts. A source that was deleted meanwhile is left out."""
    present = select(sources.c.id).where(sources.c.id.in_({one.source_id for one in counted}))
    known = set(connection.execute(present).scalars())
    # In one order, so that two processes lock shared rows alike.
    rows = [one._asdict() for one in sorted(counted) if one.source_id in known]
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(source_counts)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["source_id", "outcome"],
        set_={"number": source_counts.c.number + new.number, "last_at": new.last_at},
    )
    connection.execute(statement, rows)
