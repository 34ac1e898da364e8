"""Many rows in one statement, straight to the driver.

SQLAlchemy binds parameters row by row, which costs more than the insert itself. SQLite takes tuples with
``executemany``; PostgreSQL takes one array per column: one round trip and one plan for any number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.types import TypeEngine

_ARRAYS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (BigInteger, "bigint[]"),
    (SmallInteger, "smallint[]"),
    (Integer, "integer[]"),
    (Boolean, "boolean[]"),
    (LargeBinary, "bytea[]"),
    (Text, "text[]"),
)
"""Narrow types before the wide ones they derive from."""


def bulk_insert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    skip_existing: bool = False,
) -> int:
    """Insert rows, values in the order of ``columns``; answers how many.

    ``skip_existing`` leaves rows alone whose key is taken.
    """
    if not rows:
        return 0
    is_postgres = connection.dialect.name == "postgresql"
    statement = _insert_statement(table, columns, is_postgres, skip_existing)
    if is_postgres:
        columnar = tuple(list(column) for column in zip(*rows, strict=True))
        return connection.exec_driver_sql(statement, columnar).rowcount
    return connection.exec_driver_sql(statement, list(rows)).rowcount


@lru_cache(maxsize=64)
def _insert_statement(table: Table, columns: tuple[str, ...], is_postgres: bool, skip_existing: bool) -> str:  # noqa: FBT001 - private, cached by value
    conflict = " ON CONFLICT DO NOTHING" if skip_existing else ""
    names = ", ".join(columns)
    if is_postgres:
        arrays = ", ".join(f"%s::{array_type(table, name)}" for name in columns)
        return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}){conflict}"  # noqa: S608 - names come from the schema
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks}){conflict}"  # noqa: S608 - names come from the schema


def array_type(table: Table, column: str) -> str:
    """The PostgreSQL array type that holds values of a column."""
    kind = table.c[column].type
    return next(name for python_type, name in _ARRAYS if isinstance(kind, python_type))
