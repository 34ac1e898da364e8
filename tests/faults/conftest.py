"""Real processes: every test here starts a whole stack in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.receive_command import ReceiveCommand
from tests.faults.receivers import Receiver
from tests.faults.servers import fresh_database
from tests.faults.stack import Stack
from tests.faults.troupe import Troupe


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket has to fit into it."""
    made = Path(tempfile.mkdtemp(prefix="rp-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def new_database() -> Iterator[Callable[[str], str]]:
    """Answers the URL of a fresh database: "" (the instance's own) for SQLite."""
    with ExitStack() as made:
        yield lambda kind: made.enter_context(fresh_database(kind))


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
