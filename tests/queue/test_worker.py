from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from app.core.clock import system_clock
from app.queue.doorbell import RedisDoorbell
from app.queue.worker import EXIT_ENGINE_DEAD

if TYPE_CHECKING:
    from conftest import RedisProcess

pytestmark = [pytest.mark.redis, pytest.mark.process]

STUB = Path(__file__).with_name("stub_worker.py")


class WorkerUnderTest:
    def __init__(self, url: str, notes: Path, *words: object) -> None:
        self._notes = notes
        self.process = subprocess.Popen([sys.executable, str(STUB), url, str(notes), *map(str, words)])

    def notes(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def await_note(self, text: str, *, count: int = 1, within_s: float = 10) -> None:
        deadline = time.monotonic() + within_s
        while self.notes().count(text) < count:
            assert time.monotonic() < deadline, f"{text!r} not among {self.notes()}"
            time.sleep(0.02)


StartWorker = Callable[..., WorkerUnderTest]


@pytest.fixture
def start_worker(redis: Redis, redis_process: RedisProcess, tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[WorkerUnderTest] = []

    def start(*words: float) -> WorkerUnderTest:
        worker = WorkerUnderTest(redis_process.url, tmp_path / "notes", *words)
        workers.append(worker)
        worker.await_note("start")
        return worker

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()


def test_a_ring_wakes_the_worker_and_sigterm_ends_it_cleanly(redis: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(0)
    RedisDoorbell(redis, system_clock).ring([3])
    worker.await_note("done 3")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(5) == 0
    assert worker.notes() == ["start", "drain 3", "done 3", "stop 20"]


def test_sigterm_in_a_drain_stops_the_engine_and_takes_no_other_job(redis: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(60)
    RedisDoorbell(redis, system_clock).ring([3, 4])
    worker.await_note("drain 3")
    began = time.monotonic()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(5) == 0
    assert time.monotonic() - began < 3
    assert worker.notes() == ["start", "drain 3", "stop 20", "done 3"]


def test_a_worker_whose_engine_died_exits_with_an_error(redis: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(60)
    RedisDoorbell(redis, system_clock).ring([13])
    assert worker.process.wait(5) == EXIT_ENGINE_DEAD


def test_a_worker_in_which_no_thread_gets_a_turn_ends_by_itself(redis: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(60, 2.0)
    RedisDoorbell(redis, system_clock).ring([14])
    assert worker.process.wait(20) == 1


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "draining"])
def test_a_worker_outlives_its_redis(redis_process: RedisProcess, start_worker: StartWorker, *, busy: bool) -> None:
    worker = start_worker(0.5)
    client = redis_process.client()
    RedisDoorbell(client, system_clock).ring([1])
    worker.await_note("drain 1" if busy else "done 1")
    redis_process.kill()
    time.sleep(0.7)
    redis_process.start()
    RedisDoorbell(client, system_clock).ring([2])
    worker.await_note("done 2")
    assert worker.process.poll() is None
    assert worker.notes().count("start") == 1
    client.close()


def test_flushall_does_not_stop_a_worker(redis: Redis, start_worker: StartWorker) -> None:
    worker = start_worker(0)
    redis.flushall()
    RedisDoorbell(redis, system_clock).ring([5])
    worker.await_note("done 5")


def test_a_job_that_a_killed_worker_took_with_it_is_rung_again_by_force(
    redis: Redis, start_worker: StartWorker
) -> None:
    doorbell = RedisDoorbell(redis, system_clock)
    first = start_worker(60)
    doorbell.ring([6])
    first.await_note("drain 6")
    first.process.kill()
    first.process.wait()
    second = start_worker(0)
    doorbell.ring([6], force=True)
    second.await_note("drain 6", count=2)
