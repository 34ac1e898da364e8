"""Rings without a job: heard where the partition is warm, a job everywhere else, and nothing that anybody needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

import pytest
from redis import Redis

from app.core.clock import system_clock
from app.queue.doorbell import RedisDoorbell
from app.queue.job import QUEUE_NAME, SEAT, rung_key
from app.queue.listening import Listener, warm_key
from app.queue.worker import DrainWorker
from tests.queue.conftest import RedisProcess

pytestmark = pytest.mark.redis

WAITING = f"rq:queue:{QUEUE_NAME}"


class HearingEngine:
    """Remembers what it was rung for and what it drained."""

    failed: BaseException | None = None

    def __init__(self) -> None:
        self.heard: list[set[int]] = []
        self.drained: list[int] = []
        self.refused: set[int] = set()

    def start(self) -> None: ...

    def stop(self, grace_s: float) -> None: ...

    def drain(self, partition: int, slice_s: float) -> None:
        assert slice_s > 0
        self.drained.append(partition)

    def heed(self, partitions: Collection[int]) -> None:
        self.heard.append(set(partitions))

    def is_refused(self, partition: int) -> bool:
        return partition in self.refused

    @property
    def rung(self) -> set[int]:
        return set().union(*self.heard)


@pytest.fixture
def doorbell(redis: Redis) -> RedisDoorbell:
    return RedisDoorbell(redis, system_clock)


@pytest.fixture
def engine() -> HearingEngine:
    return HearingEngine()


@pytest.fixture
def listener(redis: Redis, redis_process: RedisProcess, engine: HearingEngine) -> Iterator[Listener]:
    made = Listener(redis_process.client, engine)
    made.start()
    wait_until(lambda: bool(channels(redis)))
    yield made
    made.stop()


def channels(redis: Redis) -> list[bytes]:
    found: Any = cast("Any", redis).pubsub_channels("relaypoint:bell:*")
    return list(found)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_warm_partition_is_rung_for_without_a_job(
    redis: Redis, doorbell: RedisDoorbell, engine: HearingEngine, listener: Listener
) -> None:
    listener.stay(redis, 3)
    doorbell.ring([3, 4])
    wait_until(lambda: engine.rung == {3})
    assert redis.llen(WAITING) == 1, "nobody has the other one warm"


def test_it_is_rung_for_again_and_again(
    redis: Redis, doorbell: RedisDoorbell, engine: HearingEngine, listener: Listener
) -> None:
    listener.stay(redis, 3)
    for _ in range(5):
        engine.heard.clear()
        doorbell.ring([3])
        wait_until(lambda: engine.rung == {3})
    assert redis.llen(WAITING) == 0


def test_rings_that_were_not_yet_heard_are_one(redis: Redis, doorbell: RedisDoorbell, listener: Listener) -> None:
    listener.stay(redis, 3)
    redis.set(rung_key(3), b"somebody is on the way")
    doorbell.ring([3])
    assert redis.llen(WAITING) == 0


def test_a_ring_that_nobody_hears_becomes_a_job(redis: Redis, doorbell: RedisDoorbell, listener: Listener) -> None:
    listener.stay(redis, 3)
    listener.stop()
    wait_until(lambda: not channels(redis))
    doorbell.ring([3])
    assert redis.llen(WAITING) == 1


def test_the_tick_always_asks_for_a_job(redis: Redis, doorbell: RedisDoorbell, listener: Listener) -> None:
    listener.stay(redis, 3)
    doorbell.ring([3], force=True)
    assert redis.llen(WAITING) == 1


def test_a_partition_that_another_engine_holds_does_not_stay_warm_here(
    redis: Redis, doorbell: RedisDoorbell, engine: HearingEngine, listener: Listener
) -> None:
    listener.stay(redis, 3)
    engine.refused = {3}
    doorbell.ring([3])
    wait_until(lambda: not redis.exists(warm_key(3)))


def test_a_partition_cools_down(redis: Redis, listener: Listener) -> None:
    listener.stay(redis, 3)
    assert 0 < cast("int", redis.pttl(warm_key(3))) <= 3_000


def test_a_job_leaves_its_partition_warm(
    redis: Redis, doorbell: RedisDoorbell, engine: HearingEngine, listener: Listener
) -> None:
    SEAT.take(engine, listener)
    doorbell.ring([5])
    DrainWorker(redis, lambda: False).work(burst=True)
    SEAT.leave()
    doorbell.ring([5])
    wait_until(lambda: engine.rung == {5})
    assert engine.drained == [5]


def test_what_is_no_number_of_a_partition_is_not_listened_to(
    redis: Redis, engine: HearingEngine, listener: Listener
) -> None:
    channel = channels(redis)[0].decode()
    for junk in (b"", b"-1", b"64", b"999999999", b"1.5", b"x", b"\xb2", b'{"partition": 1}', b"7"):
        redis.publish(channel, junk)
    wait_until(lambda: engine.rung == {7})


def test_the_bell_is_heard_again_after_redis_was_away(
    redis_process: RedisProcess, redis: Redis, doorbell: RedisDoorbell, engine: HearingEngine, listener: Listener
) -> None:
    redis_process.kill()
    redis_process.start()
    wait_until(lambda: bool(channels(redis)))
    listener.stay(redis, 2)
    doorbell.ring([2])
    wait_until(lambda: engine.rung == {2})
