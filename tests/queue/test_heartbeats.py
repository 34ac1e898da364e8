from __future__ import annotations

from redis import Redis
from rq.worker_registration import REDIS_WORKER_KEYS

from app.core.clock import SECOND, system_clock
from app.queue.heartbeats import SHOWN, read_heartbeats
from app.queue.worker import DrainWorker
from tests.queue.conftest import RedisProcess


def test_each_worker_is_heard_of_by_its_name_until_it_leaves(redis: Redis, redis_process: RedisProcess) -> None:
    assert read_heartbeats(redis_process.url) == []
    workers = [DrainWorker(redis, lambda: False) for _ in range(2)]
    for worker in workers:
        worker.register_birth()
    heard = read_heartbeats(redis_process.url)
    assert [one.worker for one in heard] == sorted(worker.name for worker in workers)
    assert all(abs(system_clock() - one.at) < 5 * SECOND for one in heard)
    workers[0].register_death()
    assert [one.worker for one in read_heartbeats(redis_process.url)] == [workers[1].name]


def test_what_somebody_else_wrote_hides_no_worker_and_stops_nobody(redis: Redis, redis_process: RedisProcess) -> None:
    worker = DrainWorker(redis, lambda: False)
    worker.register_birth()
    redis.sadd(REDIS_WORKER_KEYS, "rq:worker:text", "rq:worker:gone", "rq:worker:odd", "elsewhere", b"rq:worker:\xff")
    redis.set("rq:worker:text", "x")
    redis.hset("rq:worker:odd", mapping={"last_heartbeat": "soon"})
    redis.hset(worker.key, mapping={"successful_job_count": "many", "birth": "long ago"})
    (heard,) = read_heartbeats(redis_process.url)
    assert (heard.worker, heard.jobs, heard.since) == (worker.name, 0, None)


def test_no_more_than_so_many_workers_are_asked_about(redis: Redis, redis_process: RedisProcess) -> None:
    for number in range(SHOWN + 5):
        redis.sadd(REDIS_WORKER_KEYS, f"rq:worker:w{number}")
        redis.hset(f"rq:worker:w{number}", mapping={"last_heartbeat": "2026-04-21T14:40:00.000000Z"})
    assert len(read_heartbeats(redis_process.url)) == SHOWN


def test_the_names_of_the_dead_hide_nobody_who_lives(redis: Redis, redis_process: RedisProcess) -> None:
    redis.sadd(REDIS_WORKER_KEYS, *(f"rq:worker:a-dead-{number}" for number in range(2 * SHOWN)))
    redis.sadd(REDIS_WORKER_KEYS, "rq:worker:z-living")
    redis.hset("rq:worker:z-living", mapping={"last_heartbeat": "2026-04-21T14:40:00.000000Z"})
    assert [one.worker for one in read_heartbeats(redis_process.url)] == ["z-living"]
