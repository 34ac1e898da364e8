"""How the queue stands, also when somebody else wrote there."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job

from app.core.clock import SECOND, system_clock
from app.queue.connection import ring_redis
from app.queue.depth import FAILED_KEY, LOOKED_AT, QUEUE_KEY, STARTED_KEY, QueueDepth, read_depth
from app.queue.doorbell import RedisDoorbell
from app.queue.heartbeats import read_heartbeats
from app.queue.job import QUEUE_NAME, new_job_id, partition_named
from app.queue.listening import warm_key
from app.queue.worker import DrainWorker
from tests.queue.conftest import RedisProcess

NOBODY = QueueDepth(0, 0, 0)


def test_jobs_are_told_by_where_they_are_and_by_their_partition(redis: Redis, redis_process: RedisProcess) -> None:
    assert read_depth(redis_process.url, system_clock()) == NOBODY
    doorbell = RedisDoorbell(ring_redis(redis_process.url), system_clock)
    doorbell.ring([3, 5, 12])
    redis.set(warm_key(7), "somewhere")
    found = read_depth(redis_process.url, system_clock())
    assert found == QueueDepth(3, 0, 0, waiting=frozenset({3, 5, 12}), warm=frozenset({7}))


def test_a_job_under_way_is_at_work_and_its_worker_is_named_with_it(redis: Redis, redis_process: RedisProcess) -> None:
    """As RQ itself writes it down: its own worker prepares its own job."""
    worker = DrainWorker(redis, lambda: False)
    worker.register_birth()
    doorbell = RedisDoorbell(ring_redis(redis_process.url), system_clock)
    doorbell.ring([11])
    (waiting,) = redis.lrange(QUEUE_KEY, 0, -1)
    job = Job.fetch(waiting.decode(), connection=redis, serializer=worker.serializer)
    worker.prepare_execution(job)
    worker.set_state("busy")
    redis.delete(QUEUE_KEY)
    found = read_depth(redis_process.url, system_clock())
    assert (found.queued, found.started, found.at_work) == (0, 1, frozenset({11}))
    (heard,) = read_heartbeats(redis_process.url)
    assert (heard.worker, heard.state, heard.partition, heard.jobs) == (worker.name, "busy", 11, 0)
    assert heard.since is not None
    assert abs(system_clock() - heard.since) < 5 * SECOND


def test_the_keys_are_those_of_rq(redis: Redis) -> None:
    queue = DrainWorker(redis, lambda: False).queues[0]
    assert queue.name == QUEUE_NAME
    keys = (queue.key, queue.started_job_registry.key, queue.failed_job_registry.key)
    assert keys == (QUEUE_KEY, STARTED_KEY, FAILED_KEY)
    assert Worker.redis_worker_namespace_prefix == "rq:worker:"


def test_what_is_over_is_not_counted(redis: Redis, redis_process: RedisProcess) -> None:
    now = system_clock()
    redis.zadd(FAILED_KEY, {"new": now // SECOND + 60, "old": now // SECOND - 60})
    assert read_depth(redis_process.url, now).failed == 1


def test_a_flood_is_counted_up_to_a_bound_and_strangers_name_no_partition(
    redis: Redis, redis_process: RedisProcess
) -> None:
    redis.zadd(STARTED_KEY, {f"junk{number}": 9e12 for number in range(LOOKED_AT + 10)})
    redis.rpush(QUEUE_KEY, *["drain-99-" + "a" * 32, b"\xff\xfe", "drain-3-short", new_job_id(4)] * LOOKED_AT)
    found = read_depth(redis_process.url, system_clock())
    assert (found.queued, found.started) == (4 * LOOKED_AT, LOOKED_AT)
    assert (found.waiting, found.at_work) == ({4}, frozenset())


@pytest.mark.parametrize("key", [QUEUE_KEY, STARTED_KEY, FAILED_KEY])
def test_a_key_of_another_type_is_an_error_of_redis(redis: Redis, redis_process: RedisProcess, key: str) -> None:
    redis.set(key, "x")
    with pytest.raises(RedisError):
        read_depth(redis_process.url, system_clock())


@pytest.mark.parametrize(
    ("text", "partition"),
    [
        ("drain-0-" + "a" * 32, 0),
        ("drain-15-" + "0" * 32 + ":" + "b" * 32, 15),
        ("drain-64-" + "a" * 32, None),
        ("drain-1-" + "a" * 33, None),
        ("drain-\u0661-" + "a" * 32, None),
        ("x", None),
    ],
)
def test_only_an_id_of_ours_names_a_partition(text: str, partition: int | None) -> None:
    assert partition_named(text) == partition
