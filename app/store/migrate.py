"""Bringing the schema up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.errors import ConfigurationError
from app.store.engine import open_store

_SCRIPTS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x52656C61
"""Any constant will do: two processes that start together must agree on it (PostgreSQL advisory lock)."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def migrate(database_url: str) -> None:
    """Upgrade the schema to this version; safe to call from several processes at once.

    Raises:
        ConfigurationError: the schema is of a later version than this program; nothing was changed.
    """
    store = open_store(database_url)
    try:
        with store.write() as connection:
            if not store.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config = _config()
            _refuse_the_future(config, MigrationContext.configure(connection).get_current_revision())
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        store.close()


def _refuse_the_future(config: Config, revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise ConfigurationError(
            f"the database has schema {revision}, which this version does not know: it was upgraded by a later one."
            " Install that version again; a schema is never downgraded"
        )
