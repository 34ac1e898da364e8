"""Writing processes take turns: nobody meets SQLite's busy handler, and nobody starves."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from app.core.errors import StoreUnavailableError
from app.store import Store, open_store
from app.store.engine import BUSY_TIMEOUT_MS
from app.store.tables import counters
from app.store.turns import WriteTurn

WRITER = Path(__file__).with_name("writer.py")
SECONDS = 1.5
SHORT, GREEDY = 0.002, 0.02


def run_writers(url: str, holds: list[float], how: str) -> list[dict[str, float]]:
    keeper = open_store(url)  # One open connection, so that no writer is the last to close the file.
    command = [sys.executable, str(WRITER), url]
    with keeper.read():
        children = [
            subprocess.Popen(
                [*command, str(hold), str(SECONDS), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for hold in holds
        ]
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("\n")
            child.stdin.flush()
        found = [json.loads(child.communicate(timeout=30)[0]) for child in children]
    keeper.close()
    return found


@pytest.mark.process
def test_three_processes_beside_a_greedy_one_never_meet_the_lock_and_share_fairly(sqlite_url: str) -> None:
    *polite, greedy = run_writers(sqlite_url, [SHORT, SHORT, SHORT, GREEDY], "turns")
    assert [writer["locked"] for writer in (*polite, greedy)] == [0, 0, 0, 0]
    commits = [writer["commits"] for writer in polite]
    assert min(commits) >= 0.6 * sum(commits) / len(commits)
    assert sum(commits) >= 2 * greedy["commits"], "the greedy writer gets one turn in four"
    # One round is a turn of each of the others; ten rounds leave room for a busy machine.
    assert max(writer["longest_wait"] for writer in polite) < 10 * (GREEDY + 2 * SHORT)


@pytest.mark.process
def test_without_turns_the_same_writers_do_meet_the_lock(sqlite_url: str) -> None:
    found = run_writers(sqlite_url, [SHORT, GREEDY], "free")
    assert sum(writer["locked"] for writer in found) > 0


def test_threads_of_one_process_lose_no_increment(store: Store) -> None:
    def add() -> None:
        for _ in range(10):
            with store.write() as connection:
                value = connection.execute(
                    select(counters.c.value).where(counters.c.name == "lease_token").with_for_update()
                ).scalar_one()
                connection.execute(counters.update().where(counters.c.name == "lease_token").values(value=value + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with store.read() as connection:
        value = connection.execute(select(counters.c.value).where(counters.c.name == "lease_token")).scalar_one()
    assert value == 60


def test_a_foreign_lock_keeps_the_whole_line_waiting_once_not_each_writer_after_the_other(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    waits: list[float] = []

    def write() -> None:
        asked_at = time.monotonic()
        with pytest.raises(StoreUnavailableError), store.write():
            pass
        waits.append(time.monotonic() - asked_at)

    foreign = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    foreign.close()
    assert len(waits) == 4
    assert max(waits) < 1.5 * BUSY_TIMEOUT_MS / 1000, "the last one waits as long as the first"
    with store.write() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == BUSY_TIMEOUT_MS
    store.close()


def test_an_error_in_a_turn_gives_the_turn_back(tmp_path: Path) -> None:
    turn = WriteTurn(tmp_path / "x.db")

    def fail() -> None:
        with turn.taken():
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    other = WriteTurn(tmp_path / "x.db")
    with other.taken():
        assert (tmp_path / "x.db.pen").exists()
    turn.close()
    other.close()


def test_the_turn_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path; from app.store.turns import WriteTurn\n"
        "with WriteTurn(Path(sys.argv[1])).taken(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = subprocess.run([sys.executable, "-c", program, str(tmp_path / "x.db")], check=False, timeout=30)
    assert child.returncode == -9
    turn = WriteTurn(tmp_path / "x.db")
    with turn.taken():
        pass
    turn.close()
