"""The only job there is: ``drain(partition)``.

Whoever can write to Redis can write jobs, and RQ imports and calls whatever a job names: its function, its callbacks, a
method of a stored object, a URL to notify. So this class reads from Redis nothing but one number, and calls nothing but
one function. Every other field is dropped before RQ sees it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job

from app.core.errors import PermanentError, TemporaryError

QUEUE_NAME = "relaypoint"
"""One queue, and one only: on two, RQ pops in a way that loses the job of a killed worker."""

JOB_FUNCTION = "app.queue.job.drain"
PARTITION_LIMIT = 64
"""Partitions are numbered 0 to 63 at most."""

SLICE_S = 1.0
"""How long one job may block on its partition: what a partition with a long backlog costs the next one in the queue."""

JOB_TIMEOUT_S = 60
"""RQ's own limit, far above the slice; it fires only when a drain hangs."""

FAILURE_TTL_S = 3600

_JOB_ID = re.compile(r"drain-(\d{1,2})-[0-9a-f]{32}(?::|$)", re.ASCII)
_KEPT_FIELDS = frozenset({"data", "created_at", "enqueued_at", "started_at", "ended_at", "origin", "status"})


class JobRefusedError(PermanentError):
    """A job in Redis is not one of ours."""


class NoEngineError(TemporaryError):
    """A job arrived in a process that runs no engine."""


class Engine(Protocol):
    """What the worker process runs: an object that delivers, in the main thread.

    ``stop`` may be called from another thread while ``run`` and ``drain`` block, and makes them return soon.
    """

    @property
    def failed(self) -> BaseException | None:
        """Why it can work no more; None while it can."""
        ...

    def start(self) -> None:
        """Get ready; called once, after the process has started."""
        ...

    def run(self) -> None:
        """Deliver, until ``stop`` is called or nothing can be delivered any more."""
        ...

    def drain(self, partition: int, slice_s: float) -> None:
        """Take the partition, and return when it is quiet, taken by somebody else, or the slice is over."""
        ...

    def stop(self, grace_s: float) -> None:
        """Take no more work, give what is in flight this long, give the leases back."""
        ...


class Ear(Protocol):
    """What hears rings that need no job; see ``app.queue.listening``."""

    def stay(self, redis: Redis, partition: int) -> None:
        """Go on listening for a partition that a job has just worked for."""
        ...


class EngineSeat:
    """Where the one engine of this process sits; empty until the worker command fills it."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._ear: Ear | None = None

    def take(self, engine: Engine, ear: Ear | None = None) -> None:
        """Make this engine the one that jobs are handed to."""
        self._engine = engine
        self._ear = ear

    def leave(self) -> None:
        """Empty the seat."""
        self._engine = self._ear = None

    def listen(self, redis: Redis, partition: int) -> None:
        """Hear the next rings for a partition without a job, if this process can."""
        if self._ear is not None:
            self._ear.stay(redis, partition)

    def engine(self) -> Engine:
        """The engine of this process.

        Raises:
            NoEngineError: none was started.
        """
        if self._engine is None:
            raise NoEngineError("this process runs no delivery engine")
        return self._engine


SEAT = EngineSeat()
"""The seat of this process. RQ calls a bare function, so the engine has to be found from here."""


def drain(partition: int) -> None:
    """Deliver what is due in one partition."""
    SEAT.engine().drain(partition, SLICE_S)


def rung_key(partition: int) -> str:
    """The Redis key that says a job for this partition is on its way."""
    return f"relaypoint:rung:{partition}"


def new_job_id(partition: int) -> str:
    """A new id for a job of this partition."""
    return f"drain-{partition}-{uuid4().hex}"


def partition_named(text: str) -> int | None:
    """The partition that the id of a job, or of its execution, names; None = it is none of ours."""
    named = _JOB_ID.match(text)
    partition = int(named[1]) if named else PARTITION_LIMIT
    return partition if partition < PARTITION_LIMIT else None


class DrainJob(Job):
    """An RQ job that can be nothing but ``drain(partition)``."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read the job from its Redis hash: the data and the times, nothing else.

        Raises:
            NoSuchJobError: the hash cannot be read; RQ then leaves the job where it lies.
        """
        kept = {key: value for key, value in raw_data.items() if _text(key) in _KEPT_FIELDS}
        try:
            super().restore(kept)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise NoSuchJobError("unreadable job") from error
        self.timeout = JOB_TIMEOUT_S
        self.result_ttl = 0
        self.failure_ttl = FAILURE_TTL_S

    @property
    def func(self) -> Any:
        """The one function, whatever the job names.

        Raises:
            JobRefusedError: the job names another one.
        """
        self.partition()
        return drain

    @property
    def success_callback(self) -> None:
        """No callbacks."""
        return

    @property
    def failure_callback(self) -> None:
        """No callbacks."""
        return

    @property
    def stopped_callback(self) -> None:
        """No callbacks."""
        return

    def send_webhooks(self, status: object, *, exc_string: str | None = None) -> None:
        """RQ would call URLs that stand in the job. There is one road out of this machine, and it is not this one."""

    def partition(self) -> int:
        """The job's only argument.

        Raises:
            JobRefusedError: the job is anything but ``drain(number)``.
        """
        if self.func_name != JOB_FUNCTION or self.instance is not None or self.kwargs:
            raise JobRefusedError("a job may only be a drain")
        args: object = self.args
        if not isinstance(args, list | tuple) or len(args) != 1:
            raise JobRefusedError("a drain takes one argument")
        partition = args[0]
        if type(partition) is not int or not 0 <= partition < PARTITION_LIMIT:
            raise JobRefusedError("a drain takes the number of a partition")
        return partition

    def _execute(self) -> None:
        partition = self.partition()
        # Before the engine claims: a ring that comes from now on may speak of rows that this drain will not see.
        with contextlib.suppress(RedisError):
            self.connection.delete(rung_key(partition))
        drain(partition)
        with contextlib.suppress(RedisError):
            SEAT.listen(self.connection, partition)


def _text(key: bytes | str) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key
