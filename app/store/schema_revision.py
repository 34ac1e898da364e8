"""Where the schema stands: asked at every start and by whoever watches, without the machinery that changes it."""

from __future__ import annotations

from sqlalchemy import column, inspect, select, table

from app.store.engine import Store

NEWEST = "0001"
"""The newest revision of ``migrations/versions``."""
_VERSION = table("alembic_version", column("version_num"))


def schema_status(store: Store) -> tuple[str | None, str]:
    """``(revision of the database or None, newest revision this version knows)``."""
    with store.read() as connection:
        if not inspect(connection).has_table(_VERSION.name):
            return None, NEWEST
        return connection.execute(select(_VERSION.c.version_num)).scalar(), NEWEST
