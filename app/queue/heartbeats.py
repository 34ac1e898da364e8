"""Which workers there are, when each was heard of last, and what it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.worker_registration import REDIS_WORKER_KEYS

from app.core.clock import SECOND, Micros
from app.queue.connection import ring_redis
from app.queue.job import partition_named

SHOWN = 64
"""Workers that are told of."""
_ASKED = 512
"""Names that are asked about: those of the dead stay in Redis until a worker tidies up, every half a minute."""
_PREFIX = "rq:worker:"
_LONGEST_NAME = 120
_NUMBER = re.compile(r"\d{1,15}")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a worker, named for its machine and process, said last.

    Args:
        worker: its name.
        at: when it said last that it lives.
        since: when it began; None = it does not say.
        state: RQ's word: ``busy`` with a job, ``idle`` otherwise, though it may be delivering all the same.
        partition: the one whose job it has; None = it has none.
        jobs: how many jobs it has done.
        failed: how many of its jobs failed.
    """

    worker: str
    at: Micros
    since: Micros | None = None
    state: str = ""
    partition: int | None = None
    jobs: int = 0
    failed: int = 0


def read_heartbeats(redis_url: str) -> list[Heartbeat]:
    """The last word of each worker, by name; what makes no sense is left out, since anybody may have written it.

    Raises:
        RedisError: Redis does not answer.
    """
    redis: Any = ring_redis(redis_url)
    keys = sorted(_text(key) for key in redis.smembers(REDIS_WORKER_KEYS))
    names = [key.removeprefix(_PREFIX) for key in keys if key.startswith(_PREFIX)][:_ASKED]
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(_PREFIX + name)
        pipe.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(name))
    answers = pipe.execute(raise_on_error=False)
    pairs = zip(names, answers[::2], answers[1::2], strict=True)
    return [found for one in pairs if (found := _heartbeat(*one)) is not None][:SHOWN]


def _heartbeat(name: str, told: Any, under_way: Any) -> Heartbeat | None:
    """None for a worker that is gone, or a key that holds something else."""
    if not isinstance(told, Mapping):
        return None
    said = {_text(key): _text(value) for key, value in told.items()}
    at = _moment(said.get("last_heartbeat", ""))
    if at is None:
        return None
    jobs = [_text(one) for one in under_way] if isinstance(under_way, set) else []
    partitions = [number for job in jobs if (number := partition_named(job)) is not None]
    return Heartbeat(
        name[:_LONGEST_NAME],
        at,
        _moment(said.get("birth", "")),
        said.get("state", "")[:_LONGEST_NAME],
        min(partitions, default=None),
        _number(said.get("successful_job_count", "")),
        _number(said.get("failed_job_count", "")),
    )


def _moment(text: str) -> Micros | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(found.replace(tzinfo=found.tzinfo or UTC).timestamp() * SECOND)


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
