"""Which workers there are, and when each was heard of last."""

from __future__ import annotations

from dataclasses import dataclass

from rq import Worker

from app.core.clock import SECOND, Micros
from app.queue.connection import ring_redis

SHOWN = 64
"""Workers that are asked about."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When a worker, named for its machine and process, said last that it lives."""

    worker: str
    at: Micros


def read_heartbeats(redis_url: str) -> list[Heartbeat]:
    """The last word of each worker, by name.

    Raises:
        RedisError: Redis does not answer.
    """
    workers = Worker.all(connection=ring_redis(redis_url))[:SHOWN]
    heard = [Heartbeat(one.name, int(one.last_heartbeat.timestamp() * SECOND)) for one in workers if one.last_heartbeat]
    return sorted(heard, key=lambda one: one.worker)
