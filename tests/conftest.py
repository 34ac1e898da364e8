"""What every folder shares: a store over both databases, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.clock import Micros, system_clock
from app.store import Store, open_store
from tests.databases import Postgres, fresh_sqlite, postgres_server
from tests.world import World

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class MovableClock:
    """The wall clock, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead: Micros = 0

    def __call__(self) -> Micros:
        return system_clock() + self.ahead

    def advance(self, span: Micros) -> None:
        self.ahead += span


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database; the test runs once on each kind."""
    if request.param == "sqlite":
        yield fresh_sqlite(tmp_path)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.fresh() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty, migrated SQLite file, for what only SQLite does or what no database changes."""
    return fresh_sqlite(tmp_path)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store, clock: MovableClock, tmp_path: Path) -> World:
    """An installation over both databases."""
    return World(store, clock, tmp_path)
