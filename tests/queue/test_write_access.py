"""What somebody can do who may write to Redis: make deliveries late while they keep at it, and nothing else."""

from __future__ import annotations

import json
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
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.job import JOB_FUNCTION, QUEUE_NAME, rung_key
from app.queue.listening import warm_key
from tests.queue.test_worker import STUB

if TYPE_CHECKING:
    from conftest import RedisProcess

pytestmark = [pytest.mark.redis, pytest.mark.process]

QUEUE = f"rq:queue:{QUEUE_NAME}"
PARTITION = 5


def _lists(redis: Redis, *keys: str) -> None:
    for key in keys:
        redis.delete(key)
        redis.rpush(key, "x")


def _texts(redis: Redis, *keys: str) -> None:
    for key in keys:
        redis.set(key, "x")


def _flood(redis: Redis) -> None:
    pipe = redis.pipeline(transaction=False)
    for number in range(3_000):
        pipe.hset(f"rq:job:junk{number}", mapping={"data": "junk", "status": "queued", "origin": QUEUE_NAME})
        pipe.rpush(QUEUE, f"junk{number}")
        pipe.rpush(QUEUE, f"missing{number}")
    pipe.execute()


def _job_of_another_type(redis: Redis) -> None:
    redis.set("rq:job:text", "x")
    redis.rpush(QUEUE, "text")


def _forged(redis: Redis) -> None:
    data = json.dumps(["app.cli.program.own_command", None, [], {}])
    callback = {"success_callback_name": "os.system", "failure_callback_name": "os.system"}
    redis.hset("rq:job:forged", mapping={"data": data, "status": "queued", "origin": QUEUE_NAME, **callback})
    redis.rpush(QUEUE, "forged")


def _drains_nobody_asked_for(redis: Redis) -> None:
    for number in range(300):
        data = json.dumps([JOB_FUNCTION, None, [number % 12], {}])
        redis.hset(f"rq:job:own{number}", mapping={"data": data, "status": "queued", "origin": QUEUE_NAME})
        redis.rpush(QUEUE, f"own{number}")


ATTACKS: dict[str, Callable[[Redis], object]] = {
    "everything deleted": lambda redis: redis.flushall(),
    "workers suspended": lambda redis: redis.set("rq:suspended", "1"),
    "the queue is a text": lambda redis: _texts(redis, QUEUE),
    "the intermediate queue is a text": lambda redis: _texts(redis, f"{QUEUE}:intermediate"),
    "a mark is a list": lambda redis: _lists(redis, rung_key(PARTITION)),
    "a warm partition is a list": lambda redis: _lists(redis, warm_key(PARTITION)),
    "a warm partition is at nobody's": lambda redis: redis.set(warm_key(PARTITION), "nobody"),
    "a mark names a job that is not there": lambda redis: redis.set(rung_key(PARTITION), "gone"),
    "the registries are texts": lambda redis: _texts(
        redis, *(f"rq:{one}:{QUEUE_NAME}" for one in ("wip", "failed", "finished", "deferred", "scheduled", "canceled"))
    ),
    "the names of workers and queues are lists": lambda redis: _lists(
        redis, "rq:workers", f"rq:workers:{QUEUE_NAME}", "rq:queues"
    ),
    "a flood of junk": _flood,
    "a job that is a text": _job_of_another_type,
    "a forged job with callbacks": _forged,
    "drains that nobody asked for": _drains_nobody_asked_for,
    "a command to stop": lambda redis: redis.publish("rq:pubsub:x", json.dumps({"command": "shutdown"})),
}


@pytest.fixture
def notes(redis: Redis, redis_process: RedisProcess, tmp_path: Path) -> Iterator[Path]:
    """What a worker process writes down of its drains."""
    path = tmp_path / "notes"
    process = subprocess.Popen([sys.executable, str(STUB), redis_process.url, str(path), "0"])
    wait_for(lambda: "start" in lines(path), "start")
    yield path
    process.send_signal(signal.SIGTERM)
    # Whatever lies in Redis, the process still ends when it is asked to.
    assert process.wait(15) == 0


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def wait_for(holds: Callable[[], bool], what: str, within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_whatever_is_written_to_redis_deliveries_go_on(redis: Redis, redis_process: RedisProcess, notes: Path) -> None:
    doorbell = RedisDoorbell(ring_redis(redis_process.url), system_clock)
    for name, attack in ATTACKS.items():
        attack(redis)
        before = lines(notes).count(f"done {PARTITION}")

        def rung_and_drained(before: int = before) -> bool:
            # As the tick does, which knows from the database what is due.
            doorbell.ring([PARTITION], force=True)
            time.sleep(0.2)
            return lines(notes).count(f"done {PARTITION}") > before

        wait_for(rung_and_drained, name)
    drained = {line for line in lines(notes) if line.startswith("drain ")}
    assert drained <= {f"drain {partition}" for partition in range(12)}
