from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.core.clock import SECOND, system_clock
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.job import QUEUE_NAME, SEAT, rung_key
from app.queue.worker import DrainWorker

pytestmark = pytest.mark.redis

WAITING = f"rq:queue:{QUEUE_NAME}"


class RingingEngine:
    """Rings for its own partition once, in the middle of a drain."""

    failed: BaseException | None = None

    def __init__(self, doorbell: RedisDoorbell) -> None:
        self._doorbell = doorbell
        self.drained: list[int] = []

    def start(self) -> None: ...

    def drain(self, partition: int, slice_s: float) -> None:
        assert slice_s > 0
        self.drained.append(partition)
        if len(self.drained) == 1:
            self._doorbell.ring([partition])

    def stop(self, grace_s: float) -> None: ...


@pytest.fixture
def doorbell(redis: Redis) -> RedisDoorbell:
    return RedisDoorbell(redis, system_clock)


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[str]:
    """A unix socket that accepts connections and never answers."""
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(64)
        yield f"unix://{path}"


def test_many_rings_make_one_waiting_job_per_partition(redis: Redis, doorbell: RedisDoorbell) -> None:
    for _ in range(5):
        doorbell.ring([1, 2, 2, 15])
    assert redis.llen(WAITING) == 3


def test_a_ring_during_a_running_job_leads_to_another_job(redis: Redis, doorbell: RedisDoorbell) -> None:
    engine = RingingEngine(doorbell)
    SEAT.take(engine)
    doorbell.ring([4])
    DrainWorker(redis, lambda: False).work(burst=True)
    SEAT.leave()
    assert engine.drained == [4, 4]


def test_a_forced_ring_replaces_a_lost_job_and_does_not_double_a_waiting_one(
    redis: Redis, doorbell: RedisDoorbell
) -> None:
    doorbell.ring([3])
    doorbell.ring([3], force=True)
    assert redis.llen(WAITING) == 1
    redis.delete(WAITING)
    doorbell.ring([3])
    assert redis.llen(WAITING) == 0
    doorbell.ring([3], force=True)
    assert redis.llen(WAITING) == 1


def test_rings_work_again_after_flushall(redis: Redis, doorbell: RedisDoorbell) -> None:
    doorbell.ring([1])
    redis.flushall()
    redis.script_flush()
    doorbell.ring([1])
    assert redis.llen(WAITING) == 1


def test_redis_holds_nothing_but_partition_numbers(redis: Redis, doorbell: RedisDoorbell) -> None:
    doorbell.ring([9])
    mark = redis.get(rung_key(9))
    assert isinstance(mark, bytes)
    assert mark.startswith(b"drain-9-")
    assert redis.llen(WAITING) == 1


def test_a_failed_ring_is_counted_and_not_tried_again_for_a_second(tmp_path: Path) -> None:
    now = [0]
    client = ring_redis(f"unix://{tmp_path}/nobody.sock")
    doorbell = RedisDoorbell(client, lambda: now[0])
    doorbell.ring([1])
    doorbell.ring([1])
    assert (doorbell.failures, doorbell.unheard) == (1, 1)
    now[0] += SECOND
    doorbell.ring([1])
    assert doorbell.failures == 2
    client.close()


def test_a_hanging_redis_holds_a_ring_up_for_a_fraction_of_a_second(silent_server: str) -> None:
    client = ring_redis(silent_server)
    doorbell = RedisDoorbell(client, system_clock)
    began = time.monotonic()
    doorbell.ring([1])
    assert time.monotonic() - began < 0.7
    assert doorbell.failures == 1
    client.close()


def test_rings_from_many_threads_make_one_job(redis: Redis, doorbell: RedisDoorbell) -> None:
    threads = [threading.Thread(target=doorbell.ring, args=([5],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redis.llen(WAITING) == 1
