"""Reading and writing what an organization decides for itself. Every statement carries the organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, func, insert, select, update

from app.store.partitions import next_counter
from app.store.tables import organizations

MAX_ROWS = 200
"""Windows, and rules, of one organization; all of them are tried for each event."""


def policy_rows(connection: Connection, table: Table, organization_id: str) -> list[RowMapping]:
    """All rows of an organization in the order in which they apply; there are at most ``MAX_ROWS``."""
    order = [table.c[name] for name in ("position", "id") if name in table.c]
    statement = select(table).where(table.c.organization_id == organization_id).order_by(*order).limit(MAX_ROWS)
    return list(connection.execute(statement).mappings())


def policy_row(connection: Connection, table: Table, organization_id: str, row_id: str) -> RowMapping | None:
    """One row, or None when this organization has none of this id."""
    statement = select(table).where(table.c.organization_id == organization_id, table.c.id == row_id)
    return connection.execute(statement).mappings().one_or_none()


def policy_count(connection: Connection, table: Table, organization_id: str) -> int:
    """How many rows an organization has."""
    statement = select(func.count()).select_from(table).where(table.c.organization_id == organization_id)
    return int(connection.execute(statement).scalar_one())


def add_policy_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Write a new row; routers and ingests in every process learn of it."""
    connection.execute(insert(table).values(**values))
    next_counter(connection, "routing_generation")


def change_policy_row(
    connection: Connection, table: Table, organization_id: str, row_id: str, values: Mapping[str, Any]
) -> None:
    """Change a row."""
    found = update(table).where(table.c.organization_id == organization_id, table.c.id == row_id)
    connection.execute(found.values(**values))
    next_counter(connection, "routing_generation")


def drop_policy_row(connection: Connection, table: Table, organization_id: str, row_id: str) -> None:
    """Delete a row."""
    connection.execute(delete(table).where(table.c.organization_id == organization_id, table.c.id == row_id))
    next_counter(connection, "routing_generation")


def organization_zone(connection: Connection, organization_id: str) -> str | None:
    """The organization's time zone; None when there is no such organization."""
    statement = select(organizations.c.timezone).where(organizations.c.id == organization_id)
    return connection.execute(statement).scalar_one_or_none()
