"""How many jobs RQ has, and which partitions have one: what the bell is doing. Only reads, and only so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rq.registry import FailedJobRegistry, StartedJobRegistry

from app.core.clock import SECOND, Micros
from app.core.partitions import PARTITIONS
from app.queue.connection import ring_redis
from app.queue.job import QUEUE_NAME, partition_named
from app.queue.listening import warm_key

LOOKED_AT = 1_000
"""Jobs of each kind that are looked at; there is one for each partition at most, unless somebody else writes there."""
QUEUE_KEY = f"rq:queue:{QUEUE_NAME}"
STARTED_KEY = StartedJobRegistry.key_template.format(QUEUE_NAME)
FAILED_KEY = FailedJobRegistry.key_template.format(QUEUE_NAME)


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The one queue of RQ.

    Args:
        queued: jobs that wait for a worker.
        started: jobs that a worker has, up to :data:`LOOKED_AT`.
        failed: jobs that failed within the last hour, up to :data:`LOOKED_AT`.
        waiting: the partitions whose job waits.
        at_work: the partitions whose job a worker has.
        warm: the partitions that are rung for directly at the worker which had work for them last.
    """

    queued: int
    started: int
    failed: int
    waiting: frozenset[int] = frozenset()
    at_work: frozenset[int] = frozenset()
    warm: frozenset[int] = frozenset()


def read_depth(redis_url: str, now: Micros) -> QueueDepth:
    """How the queue stands.

    Args:
        redis_url: of the installation's Redis.
        now: jobs whose time in a list was over by then are not counted.

    Raises:
        RedisError: Redis does not answer, or a key of ours holds something else.
    """
    redis: Any = ring_redis(redis_url)
    pipe = redis.pipeline(transaction=False)
    pipe.llen(QUEUE_KEY)
    pipe.lrange(QUEUE_KEY, 0, LOOKED_AT - 1)
    for key in (STARTED_KEY, FAILED_KEY):
        pipe.zrangebyscore(key, now // SECOND, "+inf", start=0, num=LOOKED_AT)
    for partition in range(PARTITIONS):
        pipe.exists(warm_key(partition))
    queued, waiting, started, failed, *warm = pipe.execute()
    return QueueDepth(
        queued=int(queued),
        started=len(started),
        failed=len(failed),
        waiting=_partitions(waiting),
        at_work=_partitions(started),
        warm=frozenset(partition for partition, known in enumerate(warm) if known),
    )


def _partitions(jobs: list[bytes]) -> frozenset[int]:
    named = (partition_named(job.decode("utf-8", "replace")) for job in jobs)
    return frozenset(partition for partition in named if partition is not None)
