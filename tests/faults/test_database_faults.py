"""Cases 16 to 20: the database goes away, is locked, is full, or cannot be trusted any more."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import make_url

from tests.faults.conftest import Measure, NewTroupe
from tests.faults.installation import Installation, await_that
from tests.faults.scene import Scene
from tests.faults.servers import cannot, start_server
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(240)]

BUSY_S = 5.0
"""How long SQLite itself waits for a lock."""

REFUSED_WITHIN_S = 4 * BUSY_S + 3
"""Whoever writes waits for the lock while it holds the turn: web, tick and two workers, one after the other."""
FULL = pytest.mark.faults_full
_REFUSALS = {503, 507}
MEGABYTE = 1_000_000


@contextmanager
def scene_on(troupe: Troupe, **wishes: float) -> Iterator[Scene]:
    """A scene that asks the invariants at its end."""
    made = Scene(troupe, concurrency=20, **wishes)
    with closing(made.receiver):
        yield made
        made.close()


class Source(threading.Thread):
    """Posts one event after the other until it is told to stop; notes every status."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(daemon=True)
        self.statuses: list[int] = []
        self.longest_s = 0.0
        self.hints: set[str | None] = set()
        """What ``Retry-After`` said with each refusal."""
        self._scene = scene
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.02):
            began = time.monotonic()
            try:
                answer = self._scene.post(self._scene.new_events())
            except requests.ConnectionError:
                self.statuses.append(0)
                continue
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.statuses.append(answer.status_code)
            if answer.status_code in _REFUSALS:
                self.hints.add(answer.headers.get("retry-after"))

    def end(self) -> None:
        """Stop and wait."""
        self._over.set()
        self.join(60)
        assert not self.is_alive()


@pytest.mark.postgres
@FULL
def test_case_16_postgresql_dies_and_comes_back(tmp_path: Path, measure: Measure) -> None:
    place, server = start_server()
    instance = Path(tempfile.mkdtemp(prefix="rp-"))
    try:
        with (
            closing(Troupe(instance, database_url=str(server.get_uri()))) as troupe,
            scene_on(troupe, delay_s=0.05) as scene,
        ):
            scene.accept(200)
            source = Source(scene)
            time.sleep(0.5)
            kill_server(server)
            time.sleep(3)
            seen = len(source.statuses)
            assert set(source.statuses[-2:]) <= {0, 503}
            await_that(lambda: started(server), 60)
            back = time.monotonic()
            await_that(lambda: source.statuses[-1] == 200, 10)
            accepted_again_s = time.monotonic() - back
            source.end()
            took_s = scene.settle(20)
            assert set(source.statuses) <= {0, 200, 503}
            assert source.hints
            assert None not in source.hints
            measure("case 16", refused=seen, accepted_again_after_s=accepted_again_s, delivered_after_s=took_s)
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(instance, ignore_errors=True)


def kill_server(server: object) -> None:
    """``kill -9`` of the postmaster and of every process below it."""
    pid = int(server.get_pid())  # type: ignore[attr-defined]
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (str(pid), *below):
        with suppress(ProcessLookupError):
            os.kill(int(one), 9)


def started(server: object) -> bool:
    """Start it again; False while the remains of its last life are still in the way."""
    try:
        server.ensure_postgres_running()  # type: ignore[attr-defined]
    except subprocess.SubprocessError:
        return False
    return True


@pytest.mark.postgres
def test_case_17_every_backend_is_terminated_again_and_again(new_troupe: NewTroupe, measure: Measure) -> None:
    with scene_on(new_troupe("postgresql"), delay_s=0.05) as scene:
        scene.accept(300)
        source = Source(scene)
        ended = 0
        for _ in range(5):
            time.sleep(0.3)
            ended += terminate_backends(scene.troupe)
        source.end()
        took_s = scene.settle(30)
        assert set(source.statuses) <= {200, 503}
        assert None not in source.hints
        measure("case 17", backends_ended=ended, posts_refused=source.statuses.count(503), at_rest_after_s=took_s)


def terminate_backends(place: Installation) -> int:
    """Ends every other connection to the installation's database; answers how many."""
    url = make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        others = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(others.fetchall())


@pytest.mark.parametrize("locked_s", [4 * BUSY_S + 2, pytest.param(30.0, marks=FULL)])
def test_case_18_another_program_locks_sqlite(new_troupe: NewTroupe, measure: Measure, locked_s: float) -> None:
    with scene_on(new_troupe()) as scene:
        scene.accept(50)
        source = Source(scene)
        with closing(sqlite3.connect(scene.troupe.instance / "relaypoint.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(locked_s)
            other.execute("ROLLBACK")
        free = time.monotonic()
        await_that(lambda: source.statuses[-1:] == [200], 20, scene.troupe.log)
        accepted_again_s = time.monotonic() - free
        source.end()
        # Web, two workers and the tick wait for SQLite one after the other, so this lock outlasts whoever comes last.
        assert 503 in source.statuses
        assert set(source.statuses) == {200, 503}
        assert None not in source.hints
        assert source.longest_s < REFUSED_WITHIN_S
        scene.settle(20)
        wal = (scene.troupe.instance / "relaypoint.db-wal").stat().st_size
        assert wal < 64 * MEGABYTE
        measure(
            f"case 18, locked for {locked_s:.0f} s",
            longest_post_s=source.longest_s,
            accepted_again_after_s=accepted_again_s,
            wal_megabytes=wal / MEGABYTE,
        )


@FULL
def test_case_19_a_full_disk_refuses_and_heals_without_a_restart(measure: Measure) -> None:
    with small_disk(24) as folder, closing(Troupe(folder)) as troupe, scene_on(troupe) as scene:
        scene.accept(50)
        ballast = folder / "ballast"
        free = shutil.disk_usage(folder).free - 600_000
        ballast.write_bytes(bytes(free))
        statuses = [scene.post(scene.new_events(100)).status_code for _ in range(30)]
        assert set(statuses) <= {200} | _REFUSALS
        assert set(statuses) & _REFUSALS
        deaths = len(troupe.deaths)
        ballast.unlink()
        healed = time.monotonic()
        await_that(lambda: scene.post(scene.new_events()).status_code == 200, 15, troupe.log)
        scene.settle(30)
        measure("case 19", refused=sum(status in _REFUSALS for status in statuses), healed_s=time.monotonic() - healed)
        assert len(troupe.deaths) == deaths, "healed without a restart"
        with closing(sqlite3.connect(folder / "relaypoint.db")) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder = Path(tempfile.mkdtemp(prefix="rp-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        cannot("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@FULL
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_case_20_a_failed_fsync_ends_the_process(new_troupe: NewTroupe, measure: Measure, error: str) -> None:
    if not shutil.which("strace"):
        cannot("strace is not installed")
    with scene_on(new_troupe()) as scene:
        scene.accept(20)
        scene.settle()
        web = scene.troupe.pid("web")
        answering = int(Path(f"/proc/{web}/task/{web}/children").read_text().split()[0])
        with failing_fsync(answering, error):
            with pytest.raises(requests.ConnectionError):
                scene.post(scene.new_events())
            await_that(lambda: not Path(f"/proc/{answering}").exists(), 10, scene.troupe.log)
        died = time.monotonic()
        scene.troupe.await_ready()
        scene.accept(20)
        scene.settle()
        assert "fsync failed" in scene.troupe.whole_log()
        measure(f"case 20, {error}", back_after_s=time.monotonic() - died)


@contextmanager
def failing_fsync(pid: int, error: str) -> Iterator[None]:
    """Every fsync of a process fails."""
    calls = "fsync,fdatasync"
    tracer = subprocess.Popen(
        ["strace", "-f", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}", "-p", str(pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        first = tracer.stderr.readline()
        if "attached" not in first:
            cannot(f"strace cannot attach: {first.strip()}")
        threading.Thread(target=tracer.stderr.read, daemon=True).start()
        yield
    finally:
        tracer.terminate()
        tracer.wait(10)
        tracer.stderr.close()
