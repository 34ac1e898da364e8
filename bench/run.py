"""The runs: one design, one fresh database, one clock from the first attempt to the last commit."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.cli.program import own_command
from app.core.clock import system_clock
from app.core.errors import TemporaryError
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.embedded import prepare_server
from app.store import open_store
from bench import naive, stack
from bench.databases import Server, fresh_database
from bench.processes import cpu_seconds, running
from bench.receiver import Receiver
from bench.report import Sample

WORKERS = 2
_READY_S = 30.0
_RUN_S = 300.0
_POLL_S = 0.02
_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share."""

    server: Server
    receiver: Receiver


@dataclass(frozen=True, slots=True)
class _Place:
    """What one run has for itself."""

    folder: Path
    database_url: str
    redis_url: str
    redis: Redis
    redis_pid: int


def run_ours(bench: Bench, number: int) -> Sample:
    """Deliver a backlog with two ``relaypoint worker`` processes.

    Raises:
        TemporaryError: a process did not start, or the run did not end in time.
        RuntimeError: not every delivery was made exactly once.
    """
    with _place(bench.server) as place:
        settings = stack.bench_settings(place.folder, place.database_url, place.redis_url)
        partitions = stack.backlog(settings, bench.receiver.url, number)
        store = open_store(settings.database_url)
        environ = _clean_environment() | stack.as_environment(settings)
        with ExitStack() as cleanup:
            cleanup.callback(store.close)
            pids = _start_workers(cleanup, place, own_command("worker"), environ)
            cpu = _Cpu(bench, pids, place.redis_pid)
            RedisDoorbell(ring_redis(place.redis_url), system_clock).ring(partitions)
            ended = _wait(lambda: stack.nothing_is_open(store))
            parts = cpu.per_delivery(number)
            stack.check_ledger(store, number)
            return Sample(number, ended - stack.first_start(store) / 1e6, parts)


def run_naive(bench: Bench, kind: str, number: int) -> Sample:
    """Deliver with two RQ workers that take one job per delivery; ``kind`` is ``fork`` or ``simple``.

    Raises:
        TemporaryError: a process did not start, or the run did not end in time.
    """
    with _place(bench.server) as place:
        database = naive.NaiveDatabase(place.database_url)
        database.create()
        database.fill(bench.receiver.url, _bodies(number))
        environ = _clean_environment() | {naive.DATABASE_VARIABLE: place.database_url}
        with ExitStack() as cleanup:
            cleanup.callback(database.close)
            argv = [sys.executable, "-m", "bench.naive_worker", kind, place.redis_url]
            pids = _start_workers(cleanup, place, argv, environ)
            cpu = _Cpu(bench, pids, place.redis_pid)
            queue = Queue(naive.QUEUE, connection=place.redis, serializer=JSONSerializer)
            jobs = [
                Queue.prepare_data(naive.JOB, args=(seq,), result_ttl=0, failure_ttl=60, timeout=60)
                for seq in range(1, number + 1)
            ]
            queue.enqueue_many(jobs)
            count = "SELECT count(*) FROM attempts"
            ended = _wait(lambda: int(database.one(count)[0]) >= number, poll_s=0.1)
            parts = cpu.per_delivery(number)
            began = database.one("SELECT min(started_at) FROM attempts")[0]
            return Sample(number, ended - began / 1e6, parts)


@contextmanager
def _place(server: Server) -> Iterator[_Place]:
    """A folder, an empty database and a Redis of its own."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="relaypoint-bench-")))
        url = cleanup.enter_context(fresh_database(server, folder))
        embedded = prepare_server(folder)
        child = cleanup.enter_context(running(embedded.argv, os.environ, folder / "redis.log"))
        redis = Redis.from_url(embedded.url)
        cleanup.callback(redis.close)
        _until(lambda: _answers(redis), "the embedded Redis did not start")
        yield _Place(folder, url, embedded.url, redis, child.pid)


def _start_workers(cleanup: ExitStack, place: _Place, argv: list[str], environ: Mapping[str, str]) -> list[int]:
    """Two workers, both waiting for jobs."""
    log = place.folder / "workers.log"
    pids = [cleanup.enter_context(running(argv, environ, log)).pid for _ in range(WORKERS)]
    _until(lambda: place.redis.scard("rq:workers") == WORKERS, "the workers did not start", log)
    return pids


class _Cpu:
    """Processor time by part from now on."""

    def __init__(self, bench: Bench, workers: list[int], redis: int) -> None:
        self._parts = {"workers": workers, "redis": [redis], "receiver": [bench.receiver.pid]}
        if bench.server.pid is not None:
            self._parts["database"] = [bench.server.pid]
        self._before = self._now()

    def per_delivery(self, number: int) -> dict[str, float]:
        """Microseconds each delivery took of each part; empty where the kernel does not tell."""
        after = self._now()
        return {part: (after[part] - before) * 1e6 / number for part, before in self._before.items()}

    def _now(self) -> dict[str, float]:
        read = {part: cpu_seconds(pids) for part, pids in self._parts.items()}
        return {part: seconds for part, seconds in read.items() if seconds is not None}


def _bodies(number: int) -> list[tuple[str, bytes]]:
    """Events of the same size as those of the other designs."""
    raw = [event for body in stack.event_bodies(["900001"], number) for event in orjson.loads(body)]
    return [(f"msg_{place}", orjson.dumps(event).ljust(stack.EVENT_BYTES)) for place, event in enumerate(raw)]


def _clean_environment() -> dict[str, str]:
    """Our environment without anybody's settings, and with this checkout on the import path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
    return kept | {"PYTHONPATH": str(_CHECKOUT)}


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except (RedisError, OSError):
        return False


def _until(ready: Callable[[], bool], complaint: str, log: Path | None = None) -> None:
    deadline = time.monotonic() + _READY_S
    while not ready():
        if time.monotonic() > deadline:
            told = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
            raise TemporaryError(f"{complaint}\n{told}")
        time.sleep(0.02)


def _wait(done: Callable[[], bool], poll_s: float = _POLL_S) -> float:
    """The wall clock's time at which ``done`` was first seen true."""
    deadline = time.monotonic() + _RUN_S
    while not done():
        if time.monotonic() > deadline:
            raise TemporaryError("the run did not end in time")
        time.sleep(poll_s)
    return time.time()
