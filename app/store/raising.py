"""Tables of numbers that are raised: a key, and columns that grow with each transaction that has something to add."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from app.store.bulk import array_type


def raise_numbers(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add to the numbers of a table; a row that is not there begins with what is added.

    Args:
        connection: the transaction to which the numbers belong.
        table: every column outside its primary key is a number.
        rows: one per key, values in the order of the columns, the key first.
    """
    # In the order of keys, so that two transactions lock shared rows in the same order.
    ordered = sorted(rows)
    if not ordered:
        return
    is_postgres = connection.dialect.name == "postgresql"
    statement = _statement(table, is_postgres)
    if is_postgres:
        connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*ordered, strict=True)))
    else:
        connection.exec_driver_sql(statement, ordered)


@lru_cache(maxsize=16)
def _statement(table: Table, is_postgres: bool) -> str:  # noqa: FBT001 - private, cached by value
    key = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns]
    if is_postgres:
        arrays = ", ".join(f"%s::{array_type(table, name)}" for name in names)
        values = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - names come from the schema
    else:
        values = f"VALUES ({', '.join('?' for _ in names)})"
    raised = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in names if name not in key)
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) {values} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {raised}"
    )
