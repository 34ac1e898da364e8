"""A worker that has just delivered goes on listening for a while, so that the next ring needs no job.

Fetching a job from RQ costs a worker more than a small delivery does. So a worker leaves word in Redis that a partition
is *warm* here; whoever rings then calls the worker directly. A call that nobody hears becomes a job as ever, and one
that is lost on its way is made up for by the tick: it is a ring, and nothing depends on it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from typing import Any, Protocol, runtime_checkable
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from app.queue.job import PARTITION_LIMIT, rung_key

log = logging.getLogger(__name__)

WARM_MS = 3_000
"""How long after its last work a partition is rung for at the worker that did it."""
_LISTEN_S = 0.5
_REST_S = 0.004
"""After each round: a stream of rings becomes some two hundred turns a second, and a lone ring waits for none."""
_PAUSE_S = 1.0
_STOP_S = 2.0
_CHANNEL = "relaypoint:bell:"


def warm_key(partition: int) -> str:
    """The Redis key that names the channel of the worker where a partition is warm."""
    return f"relaypoint:warm:{partition}"


@runtime_checkable
class Heeding(Protocol):
    """An engine that takes rings without a job."""

    def heed(self, partitions: Collection[int]) -> None:
        """Take partitions; returns once the engine has looked at them."""
        ...

    def is_refused(self, partition: int) -> bool:
        """Whether another engine held the partition when this one last wanted it."""
        ...


class Listener:
    """Hears rings for the partitions that are warm here. One thread, started once, after any fork.

    Args:
        connect: opens a Redis client of its own.
        engine: where the rings go.
    """

    def __init__(self, connect: Callable[[], Redis], engine: Heeding) -> None:
        self._connect = connect
        self._engine = engine
        self._channel = f"{_CHANNEL}{uuid4().hex}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing more; whoever rings from now on makes jobs."""
        self._over.set()
        self._thread.join(_STOP_S)

    def stay(self, redis: Redis, partition: int) -> None:
        """Ask to be rung directly for a partition that this process has just worked for.

        Raises:
            RedisError: Redis is away; then jobs go on coming.
        """
        if self._engine.is_refused(partition):
            redis.delete(warm_key(partition))
        else:
            redis.set(warm_key(partition), self._channel, px=WARM_MS)

    def _run(self) -> None:
        while not self._over.is_set():
            redis: Any = self._connect()
            try:
                with redis.pubsub(ignore_subscribe_messages=True) as bell:
                    bell.subscribe(self._channel)
                    while not self._over.is_set():
                        self._listen(redis, bell)
            except (RedisError, OSError) as error:
                log.warning("bell lost", extra={"error": type(error).__name__})
                self._over.wait(_PAUSE_S)
            finally:
                redis.close()

    def _listen(self, redis: Redis, bell: Any) -> None:
        """Wait for a ring, take what else has come by then, and hand all of it to the engine."""
        heard: set[int] = set()
        wait_s = _LISTEN_S
        for _ in range(PARTITION_LIMIT):
            message = bell.get_message(timeout=wait_s)
            if message is None:
                break
            heard |= _partition(message)
            wait_s = 0.0
        if heard:
            # Before the engine claims: a ring that comes from now on may speak of rows that it will not see.
            redis.delete(*map(rung_key, heard))
            self._engine.heed(heard)
            for partition in heard:
                self.stay(redis, partition)
            self._over.wait(_REST_S)


def _partition(message: dict[str, Any]) -> set[int]:
    """The partition that a message speaks of; whoever can write to Redis can send anything."""
    data = message.get("data")
    if not isinstance(data, bytes) or not data.isdigit() or len(data) > len(str(PARTITION_LIMIT)):
        return set()
    partition = int(data)
    return {partition} if partition < PARTITION_LIMIT else set()
