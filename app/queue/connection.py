"""Redis clients. Web and workers get separate objects: their patience differs by two orders of magnitude."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from app.queue.sentinel import is_sentinel, sentinel_redis

RING_TIMEOUT_S = 0.2
"""How long a request may wait for the doorbell: a hanging Redis must not slow the ingest down."""

WORKER_CONNECT_TIMEOUT_S = 5.0


def ring_redis(url: str) -> Redis:
    """A client for those who only ring: 200 ms for anything, one new try when a pooled connection was stale.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://`` or a sentinel URL; the password inside is never logged.
    """
    return _client(url, {"socket_timeout": RING_TIMEOUT_S, "socket_connect_timeout": RING_TIMEOUT_S})


def worker_redis(url: str) -> Redis:
    """A client for a worker, which blocks while it waits for jobs; RQ raises the read timeout to fit its own waits."""
    return _client(url, {"socket_connect_timeout": WORKER_CONNECT_TIMEOUT_S})


def _client(url: str, timeouts: dict[str, float]) -> Redis:
    options = {**timeouts, "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))}
    return sentinel_redis(url, options) if is_sentinel(url) else Redis.from_url(url, **options)
