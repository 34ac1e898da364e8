"""Bringing the schema up to date, and telling where it stands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.store.engine import Store, open_store

_SCRIPTS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x52656C61
"""Any constant will do: two processes that start together must agree on it (PostgreSQL advisory lock)."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def migrate(database_url: str) -> None:
    """Upgrade the schema to this version; safe to call from several processes at once."""
    store = open_store(database_url)
    try:
        with store.write() as connection:
            if not store.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        store.close()


def schema_status(store: Store) -> tuple[str | None, str]:
    """``(revision of the database or None, newest revision this version knows)``."""
    head = ScriptDirectory.from_config(_config()).get_current_head() or ""
    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision(), head
