"""The naive design on Dramatiq, a message per delivery: ``python -m bench.naive_dramatiq REDIS_URL`` is a worker.

Dramatiq's own command starts the same object in child processes. Here the benchmark starts each process, with its
modules imported, as for RQ. Dramatiq comes with threads; each has a session and a database connection of its own.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker
from redis import Redis

from bench import naive

READY = "naive:dramatiq-workers"
"""A set in Redis: the worker processes that wait for messages."""
THREADS = 2
"""Per process: the fastest of 1, 2, 4 and 8, on SQLite and on PostgreSQL. Dramatiq comes with 8."""


def actor_on(redis_url: str) -> dramatiq.Actor[[int], None]:
    """What delivers, and what messages are sent to."""
    make: Any = RedisBroker
    broker: dramatiq.Broker = make(url=redis_url)
    return dramatiq.actor(broker=broker, queue_name=naive.QUEUE, max_retries=0)(naive.deliver)


def enqueue(redis_url: str, number: int) -> None:
    """A message for every delivery."""
    actor = actor_on(redis_url)
    for seq in range(1, number + 1):
        actor.send(seq)
    actor.broker.close()


def work(redis_url: str) -> None:
    """Work until a signal ends it."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    worker = Worker(actor_on(redis_url).broker, worker_threads=THREADS)
    worker.start()
    with Redis.from_url(redis_url) as redis:
        redis.sadd(READY, str(threading.get_native_id()))
    over.wait()
    worker.stop()


if __name__ == "__main__":
    work(sys.argv[1])
