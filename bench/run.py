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

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.cli.program import own_command
from app.core.clock import system_clock
from app.core.errors import TemporaryError
from app.core.partitions import PARTITIONS
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.embedded import prepare_server
from app.settings import Settings
from app.store import Store, open_store
from bench import naive, naive_dramatiq, stack
from bench.databases import Server, fresh_database
from bench.processes import cpu_seconds, running
from bench.receiver import Receiver
from bench.report import Sample

WORKERS = 2
DRAMATIQ = "dramatiq"
"""The naive design that does not run on RQ."""
_READY_S = 90.0
_RUN_S = 300.0
_POLL_S = 0.02
_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share."""

    server: Server
    receiver: Receiver


@dataclass(frozen=True, slots=True)
class Place:
    """What one run has for itself."""

    folder: Path
    database_url: str
    redis_url: str
    redis: Redis
    redis_pid: int


@dataclass(frozen=True, slots=True)
class Stack:
    """This stack, running: where, with what settings, and the worker processes."""

    place: Place
    settings: Settings
    store: Store
    environ: Mapping[str, str]
    pids: list[int]

    def ring(self) -> None:
        """Ring every partition."""
        RedisDoorbell(ring_redis(self.place.redis_url), system_clock).ring(range(PARTITIONS))


@contextmanager
def working(bench: Bench, prepare: Callable[[Settings], object], workers: int = WORKERS) -> Iterator[Stack]:
    """A prepared database, worker processes that wait for jobs, and a tick.

    Args:
        bench: the database server and the receiver.
        prepare: migrates and fills the database.
        workers: how many worker processes.
    """
    with fresh_place(bench.server) as place:
        settings = stack.bench_settings(place.folder, place.database_url, place.redis_url)
        prepare(settings)
        store = open_store(settings.database_url)
        environ = clean_environment() | stack.as_environment(settings)
        with ExitStack() as cleanup:
            cleanup.callback(store.close)
            # The tick rings again for whatever a worker has lost, as in every installation.
            cleanup.enter_context(running(own_command("tick"), environ, place.folder / "tick.log"))
            pids = start_workers(cleanup, place, own_command("worker"), environ, workers)
            yield Stack(place, settings, store, environ, pids)


def run_ours(bench: Bench, number: int) -> Sample:
    """Deliver a backlog with two ``relaypoint worker`` processes.

    Raises:
        TemporaryError: a process did not start, or the run did not end in time.
        RuntimeError: not every delivery was made exactly once.
    """
    with working(bench, lambda settings: stack.backlog(settings, bench.receiver.url, number)) as ours:
        cpu = Cpu(bench, ours.pids, ours.place.redis_pid)
        ours.ring()
        ended = wait(lambda: stack.nothing_is_open(ours.store))
        parts = cpu.per_delivery(number)
        stack.check_ledger(ours.store, number)
        return Sample(number, ended - stack.first_start(ours.store) / 1e6, parts)


def run_naive(bench: Bench, kind: str, number: int) -> Sample:
    """Deliver with two workers that take one job per delivery.

    Args:
        bench: the database server and the receiver.
        kind: ``fork`` or ``simple`` for RQ's, ``dramatiq`` for Dramatiq's.
        number: how many deliveries.

    Raises:
        TemporaryError: a process did not start, or the run did not end in time.
    """
    with fresh_place(bench.server) as place:
        database = naive.NaiveDatabase(place.database_url)
        database.create()
        database.fill(bench.receiver.url, [(f"msg_{n}", body) for n, body in enumerate(stack.raw_bodies(number))])
        environ = clean_environment() | {naive.DATABASE_VARIABLE: place.database_url}
        with ExitStack() as cleanup:
            cleanup.callback(database.close)
            if kind == DRAMATIQ:
                argv = [sys.executable, "-m", "bench.naive_dramatiq", place.redis_url]
                pids = start_workers(cleanup, place, argv, environ, WORKERS, naive_dramatiq.READY)
            else:
                argv = [sys.executable, "-m", "bench.naive_worker", kind, place.redis_url]
                pids = start_workers(cleanup, place, argv, environ, WORKERS)
            cpu = Cpu(bench, pids, place.redis_pid)
            if kind == DRAMATIQ:
                naive_dramatiq.enqueue(place.redis_url, number)
            else:
                _enqueue_rq(place.redis, number)
            count = "SELECT count(*) FROM attempts"
            ended = wait(lambda: int(database.one(count)[0]) >= number, poll_s=0.1)
            parts = cpu.per_delivery(number)
            began = database.one("SELECT min(started_at) FROM attempts")[0]
            return Sample(number, ended - began / 1e6, parts)


def _enqueue_rq(redis: Redis, number: int) -> None:
    queue = Queue(naive.QUEUE, connection=redis, serializer=JSONSerializer)
    jobs = [
        Queue.prepare_data(naive.JOB, args=(seq,), result_ttl=0, failure_ttl=60, timeout=60)
        for seq in range(1, number + 1)
    ]
    queue.enqueue_many(jobs)


@contextmanager
def fresh_place(server: Server) -> Iterator[Place]:
    """A folder, an empty database and a Redis of its own."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="relaypoint-bench-")))
        url = cleanup.enter_context(fresh_database(server, folder))
        embedded = prepare_server(folder)
        child = cleanup.enter_context(running(embedded.argv, os.environ, folder / "redis.log"))
        redis = Redis.from_url(embedded.url)
        cleanup.callback(redis.close)
        until(lambda: _answers(redis), "the embedded Redis did not start")
        yield Place(folder, url, embedded.url, redis, child.pid)


def start_workers(
    cleanup: ExitStack,
    place: Place,
    argv: list[str],
    environ: Mapping[str, str],
    number: int,
    ready: str = "rq:workers",
) -> list[int]:
    """Workers, all of them waiting for jobs, as the set ``ready`` in Redis says; answers their process ids."""
    log = place.folder / "workers.log"
    pids = [cleanup.enter_context(running(argv, environ, log)).pid for _ in range(number)]
    until(lambda: place.redis.scard(ready) == number, "the workers did not start", log)
    return pids


class Cpu:
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


def clean_environment() -> dict[str, str]:
    """Our environment without anybody's settings, and with this checkout on the import path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
    return kept | {"PYTHONPATH": str(_CHECKOUT)}


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except (RedisError, OSError):
        return False


def until(ready: Callable[[], bool], complaint: str, log: Path | None = None) -> None:
    """Return once something is ready.

    Raises:
        TemporaryError: it was not in time; with the end of its log.
    """
    deadline = time.monotonic() + _READY_S
    while not ready():
        if time.monotonic() > deadline:
            told = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
            raise TemporaryError(f"{complaint}\n{told}")
        time.sleep(0.02)


def wait(done: Callable[[], bool], poll_s: float = _POLL_S) -> float:
    """The wall clock's time at which ``done`` was first seen true.

    Raises:
        TemporaryError: it never was.
    """
    deadline = time.monotonic() + _RUN_S
    while not done():
        if time.monotonic() > deadline:
            raise TemporaryError("the run did not end in time")
        time.sleep(poll_s)
    return time.time()
