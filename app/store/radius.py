"""Counting RADIUS records, and reading the counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.radius import RadiusRecord
from app.store.tables_radius import connected_devices, radius_counts

_SUMS = ("accepted", "rejected", "sessions", "octets_in", "octets_out")


def count_radius(connection: Connection, records: Sequence[RadiusRecord]) -> None:
    """Add records to the counts of their contexts and devices, within the transaction that accepts them."""
    _add(connection, radius_counts, ("organization_id", "context_id", "method"), map(_count_row, records))
    devices = [_device_row(record) for record in records if record.device is not None]
    _add(connection, connected_devices, ("organization_id", "context_id", "group_id", "device"), devices)


def context_counts(
    connection: Connection, organization_id: str, context_ids: Collection[str]
) -> dict[str, list[RowMapping]]:
    """The counts of contexts, a row per method, by the context's id."""
    table = radius_counts
    mine = (table.c.organization_id == organization_id, table.c.context_id.in_(context_ids))
    statement = select(table).where(*mine).order_by(table.c.context_id, table.c.method)
    found: dict[str, list[RowMapping]] = {context_id: [] for context_id in context_ids}
    for row in connection.execute(statement.limit(_MOST_METHODS * max(1, len(context_ids)))).mappings():
        found[row["context_id"]].append(row)
    return found


_MOST_METHODS = 200


def devices_of(
    connection: Connection, organization_id: str, context_id: str, group_id: str, *, after: str, limit: int
) -> list[RowMapping]:
    """Devices seen in one group, by name from behind ``after``."""
    table = connected_devices
    wanted = (
        table.c.organization_id == organization_id,
        table.c.context_id == context_id,
        table.c.group_id == group_id,
        table.c.device > after,
    )
    return list(connection.execute(select(table).where(*wanted).order_by(table.c.device).limit(limit)).mappings())


def groups_of(
    connection: Connection, organization_id: str, context_id: str, *, start: str, limit: int
) -> list[RowMapping]:
    """Groups that devices were seen in, with how many, by id from ``start`` on; that of no group, "", is the first."""
    table = connected_devices
    statement = (
        select(table.c.group_id, func.count().label("devices"), func.max(table.c.last_seen).label("last_seen"))
        .where(table.c.organization_id == organization_id, table.c.context_id == context_id, table.c.group_id >= start)
        .group_by(table.c.group_id)
        .order_by(table.c.group_id)
        .limit(limit)
    )
    return list(connection.execute(statement).mappings())


def _count_row(record: RadiusRecord) -> dict[str, Any]:
    return {
        "organization_id": record.organization_id,
        "context_id": record.context_id,
        "method": record.method,
        **{name: getattr(record, name) for name in _SUMS},
        "last_seen": record.seen_at,
    }


def _device_row(record: RadiusRecord) -> dict[str, Any]:
    row = _count_row(record) | {"group_id": record.group_id or "", "device": record.device, "user_name": record.user}
    del row["method"]
    return row


def _add(connection: Connection, table: Table, key: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> None:
    """Raise counters, one row per key, in the order of the keys so that two transactions lock alike."""
    summed: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        found = summed.setdefault(tuple(row[name] for name in key), dict(row, **dict.fromkeys(_SUMS, 0)))
        for name in _SUMS:
            found[name] += row[name]
        if row["last_seen"] >= found["last_seen"]:
            found["last_seen"] = row["last_seen"]
            if row.get("user_name") is not None:
                found["user_name"] = row["user_name"]
    if not summed:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    new = statement.excluded
    changes: dict[str, Any] = {name: table.c[name] + new[name] for name in _SUMS}
    changes["last_seen"] = case((new.last_seen > table.c.last_seen, new.last_seen), else_=table.c.last_seen)
    if "user_name" in table.c:
        changes["user_name"] = func.coalesce(new.user_name, table.c.user_name)
    upsert = statement.on_conflict_do_update(index_elements=list(key), set_=changes)
    connection.execute(upsert, [summed[found] for found in sorted(summed)])
