"""What is said when the database does not do it: whether waiting helps, or what has to be mended."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.errors import SchemaMismatchError, StoreUnavailableError
from app.store import Store, open_store
from app.store.schema_gaps import schema_gaps
from tests.databases import Postgres


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("SELECT nowhere FROM webhooks", "nowhere"),
        ("SELECT 1 FROM no_table", "no_table"),
        ("INSERT INTO webhooks (nowhere) VALUES (1)", "nowhere"),
        ("UPDATE webhooks SET nowhere = 'hidden'", "nowhere"),
    ],
)
def test_a_schema_that_lacks_a_part_is_not_taken_for_a_database_that_is_away(
    store: Store, statement: str, missing: str
) -> None:
    with pytest.raises(SchemaMismatchError) as refused, store.write() as connection:
        connection.execute(text(statement))
    told = str(refused.value)
    assert missing in told
    assert "waiting does not help: relaypoint doctor says what does" in told
    assert "hidden" not in told


def test_a_missing_part_is_found_whatever_the_revision_says(store: Store) -> None:
    assert schema_gaps(store) == []
    with store.write() as connection:
        connection.execute(text("ALTER TABLE webhooks DROP COLUMN muted_contexts"))
        connection.execute(text("DROP TABLE login_attempts"))
    lost = ["login_attempts.count", "login_attempts.since", "login_attempts.subject", "webhooks.muted_contexts"]
    assert schema_gaps(store) == lost


def test_a_full_disk_is_called_so(sqlite_url: str) -> None:
    with closing(open_store(sqlite_url)) as store:
        with store.read() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with (
            pytest.raises(StoreUnavailableError, match="the disk of the database is full"),
            store.write() as connection,
        ):
            connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")


def test_a_file_that_cannot_be_opened_is_called_so(tmp_path: Path) -> None:
    with (
        closing(open_store(f"sqlite:///{tmp_path / 'nowhere' / 'at' / 'all.db'}")) as store,
        pytest.raises(StoreUnavailableError, match="cannot be opened"),
        store.read(),
    ):
        pass


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_called_so(postgres: Postgres) -> None:
    with (
        postgres.fresh() as url,
        closing(open_store(url)) as store,
        pytest.raises(StoreUnavailableError, match="took too long"),
        store.read() as connection,
    ):
        connection.exec_driver_sql("SET statement_timeout = 1; SELECT pg_sleep(1)")
