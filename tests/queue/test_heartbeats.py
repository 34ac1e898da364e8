from __future__ import annotations

from redis import Redis

from app.core.clock import SECOND, system_clock
from app.queue.heartbeats import read_heartbeats
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
