"""Rings through Redis: at most one waiting job per partition, 200 ms at most, and never an error to the caller."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Sequence
from typing import cast

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.core.clock import SECOND, Micros
from app.queue.job import FAILURE_TTL_S, JOB_FUNCTION, JOB_TIMEOUT_S, QUEUE_NAME, DrainJob, new_job_id, rung_key
from app.queue.listening import warm_key
from app.queue.repair import is_wrong_type, remove_damaged_keys

log = logging.getLogger(__name__)

BREAK_FOR: Micros = 1 * SECOND
"""After a failure nobody tries again for this long; the tick rings what was missed."""

LONGEST_QUEUE = 1_000
"""Jobs in the queue, far above one for each partition."""

RUNG_MS = 60_000
"""How long a partition counts as rung when its job has vanished and no tick looks after it."""

# A partition is rung when its key holds the id of a job. By force (the tick), the key counts only while that job really
# waits in the queue: a job that a dying worker took with it is replaced, and one that waits is not doubled, so the
# queue never grows beyond one job per partition however long the workers are busy. Where a worker has the partition
# warm, it is called instead, and the key names its channel until it has heard. PUBLISH answers how many listened, and
# the dead do not. The tick always asks for a job, and empties a queue that is far longer: somebody else put that there.
_MARK = """
local fresh = {}
local force = ARGV[1] == '1'
local count = (#ARGV - 3) / 2
if force and redis.call('LLEN', KEYS[1]) > tonumber(ARGV[3]) then
    redis.call('DEL', KEYS[1])
end
for i = 1, count do
    local rung, warm = KEYS[1 + i], KEYS[1 + count + i]
    local job, partition = ARGV[2 + 2 * i], ARGV[3 + 2 * i]
    local waiting = redis.call('GET', rung)
    if waiting and force and not redis.call('LPOS', KEYS[1], waiting) then
        waiting = false
    end
    if not waiting then
        local channel = not force and redis.call('GET', warm)
        local heard = channel and redis.pcall('PUBLISH', channel, partition)
        if type(heard) == 'number' and heard > 0 then
            redis.call('SET', rung, channel, 'PX', ARGV[2])
        else
            redis.call('SET', rung, job, 'PX', ARGV[2])
            fresh[#fresh + 1] = i
        end
    end
end
return fresh
"""


class RedisDoorbell:
    """A ``Doorbell`` over RQ.

    Args:
        redis: a client with short timeouts (``app.queue.connection.ring_redis``).
        clock: any clock; it only measures how long the breaker stays open.
    """

    def __init__(self, redis: Redis, clock: Callable[[], Micros]) -> None:
        self._queue = Queue(
            QUEUE_NAME,
            connection=redis,
            job_class=DrainJob,
            serializer=JSONSerializer,
            default_timeout=JOB_TIMEOUT_S,
        )
        self._redis = redis
        self._mark = redis.register_script(_MARK)
        self._clock = clock
        self._closed_again_at: Micros = 0
        self.failures = 0
        """Rings that failed since this object was made."""
        self.unheard = 0
        """Rings that were not even tried, because one had just failed."""

    def ring(self, partitions: Collection[int], *, force: bool = False) -> None:
        """Put a drain job into the queue for every partition that has none on its way.

        Args:
            partitions: their numbers.
            force: look into the queue itself instead of trusting the mark; for the tick.
        """
        if not partitions:
            return
        if self._clock() < self._closed_again_at:
            self.unheard += 1
            return
        try:
            self._enqueue(self._newly_rung(sorted(set(partitions)), force=force))
        except (RedisError, OSError) as error:
            self.failures += 1
            self._closed_again_at = self._clock() + BREAK_FOR
            log.warning("doorbell failed", extra={"error": type(error).__name__, "failures": self.failures})
            if is_wrong_type(error):
                self._repair()

    def _repair(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            remove_damaged_keys(self._redis)

    def _newly_rung(self, partitions: Sequence[int], *, force: bool) -> list[tuple[int, str]]:
        named = [(partition, new_job_id(partition)) for partition in partitions]
        keys = [self._queue.key, *map(rung_key, partitions), *map(warm_key, partitions)]
        args = ["1" if force else "0", RUNG_MS, LONGEST_QUEUE]
        args += (part for partition, job_id in named for part in (job_id, partition))
        fresh = cast("list[int]", self._mark(keys=keys, args=args))
        return [named[place - 1] for place in fresh]

    def _enqueue(self, fresh: Sequence[tuple[int, str]]) -> None:
        if not fresh:
            return
        self._queue.enqueue_many(
            [
                Queue.prepare_data(
                    JOB_FUNCTION,
                    args=(partition,),
                    job_id=job_id,
                    timeout=JOB_TIMEOUT_S,
                    result_ttl=0,
                    failure_ttl=FAILURE_TTL_S,
                    description=f"drain {partition}",
                )
                for partition, job_id in fresh
            ]
        )
