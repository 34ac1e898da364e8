"""Keys of ours in Redis that hold what they must not: somebody wrote there, or another program uses the same names.

Nothing in Redis matters, so what has the wrong type is removed; the tick rings anew for whatever was lost with it.
"""

from __future__ import annotations

import logging

from redis import Redis
from redis.exceptions import ResponseError

from app.queue.job import PARTITION_LIMIT, QUEUE_NAME, rung_key
from app.queue.listening import warm_key

log = logging.getLogger(__name__)

_TYPES = {
    f"rq:queue:{QUEUE_NAME}": "list",
    f"rq:queue:{QUEUE_NAME}:intermediate": "list",
    "rq:queues": "set",
    "rq:workers": "set",
    f"rq:workers:{QUEUE_NAME}": "set",
    f"rq:clean_registries:{QUEUE_NAME}": "string",
    **{
        f"rq:{registry}:{QUEUE_NAME}": "zset"
        for registry in ("wip", "failed", "finished", "deferred", "scheduled", "canceled")
    },
    **{rung_key(partition): "string" for partition in range(PARTITION_LIMIT)},
    **{warm_key(partition): "string" for partition in range(PARTITION_LIMIT)},
}
"""Every key with a fixed name, and the type that it has."""


def is_wrong_type(error: Exception) -> bool:
    """Whether this is the server's answer to a command for a key of another type."""
    return isinstance(error, ResponseError) and "WRONGTYPE" in str(error)


def remove_damaged_keys(redis: Redis) -> None:
    """Remove the keys of ours that have a wrong type.

    Raises:
        RedisError: the server does not answer.
    """
    pipe = redis.pipeline(transaction=False)
    for key in _TYPES:
        pipe.type(key)
    found = [kind.decode() if isinstance(kind, bytes) else str(kind) for kind in pipe.execute()]
    damaged = [key for key, kind in zip(_TYPES, found, strict=True) if kind not in {_TYPES[key], "none"}]
    if damaged:
        redis.unlink(*damaged)
        log.warning("keys in Redis had the wrong type and were removed", extra={"keys": ", ".join(damaged[:5])})
