"""The migrations make what the tables say, on both databases, whoever runs them and how often."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text

from app.core.errors import ConfigurationError
from app.core.partitions import PARTITIONS
from app.store import Store, open_store
from app.store.migrate import _SCRIPTS, migrate
from app.store.schema_revision import NEWEST, schema_status
from app.store.tables import counters, metadata, partitions
from tests.conftest import BOTH


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with request.getfixturevalue("postgres").fresh(migrated=False) as url:
        yield url


def test_the_migrated_schema_is_the_one_the_tables_describe(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_the_schema_stands_at_the_newest_revision(store: Store) -> None:
    revision, newest = schema_status(store)
    assert revision == newest


def test_the_newest_revision_that_every_process_knows_is_that_of_the_migrations() -> None:
    assert ScriptDirectory(str(_SCRIPTS)).get_current_head() == NEWEST


def test_an_empty_database_stands_nowhere(empty_url: str) -> None:
    with closing(open_store(empty_url)) as opened:
        assert schema_status(opened) == (None, NEWEST)


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    program = "import sys; from app.store.migrate import migrate; migrate(sys.argv[1])"
    children = [subprocess.Popen([sys.executable, "-c", program, empty_url]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    opened = open_store(empty_url)
    with opened.read() as connection:
        assert connection.execute(select(func.count()).select_from(partitions)).scalar_one() == PARTITIONS
        names = set(connection.execute(select(counters.c.name)).scalars())
    opened.close()
    assert names == {"event_seq", "lease_token", "routing_generation"}


def test_a_schema_from_the_future_is_refused_and_left_alone(database_url: str, store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(database_url)
    assert schema_status(store)[0] == "9999"


def test_migrating_again_changes_nothing(database_url: str, store: Store) -> None:
    before = schema_status(store)
    migrate(database_url)
    assert schema_status(store) == before
