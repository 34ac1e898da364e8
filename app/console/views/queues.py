"""The queues of the installation: what waits, what is under way, who works, and the bell. No tenant is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from app.console.drawing import Picture
from app.console.filters import NOTHING
from app.console.health_pictures import waiting_picture, worker_picture
from app.console.pages import At, PageTable, Visit, render
from app.console.queue_pictures import CONDITIONS, KINDS, condition_picture, queue_picture, told, whole
from app.core.clock import Micros
from app.core.partitions import PARTITIONS
from app.queue.depth import QueueDepth, read_depth
from app.queue.heartbeats import Heartbeat, read_heartbeats
from app.security.permissions import Permission
from app.services import Services
from app.store.due import waiting_since
from app.store.queues import PartitionQueue, read_queues, tick_until, webhook_conditions


@dataclass(frozen=True, slots=True)
class Bell:
    """What Redis says of the bell and of the workers; ``missing`` says why it says nothing."""

    missing: str = ""
    depth: QueueDepth | None = None
    workers: tuple[Heartbeat, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One partition as the table shows it: its numbers in words, and since when its oldest delivery waits."""

    queue: PartitionQueue
    numbers: tuple[str, ...]
    waits: Micros | None
    rung: str
    is_left: bool

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say of it."""
        return not (self.queue.engine or self.rung or any(one != NOTHING for one in self.numbers))


def queue_pages(services: Services) -> PageTable:
    """What whoever runs the installation looks at when something waits."""
    table = PageTable()

    @table.get("ops/queues", needs=Permission.PLATFORM_READ, at=At.ROOT)
    def queues(visit: Visit) -> Any:
        now = services.clock()
        with services.store.read() as connection:
            since = waiting_since(connection, now)
            found = read_queues(connection, now)
            conditions = webhook_conditions(connection)
            until = tick_until(connection)
        bell = _bell(services.settings.redis_url, now)
        every = (_row(queue, since.get(queue.number), bell.depth, now) for queue in found)
        rows = [row for row in every if not row.is_quiet]
        return render(
            "ops_queues.html",
            visit,
            now=now,
            kinds=[(tone, title, told(whole(found, kind))) for tone, title, kind in KINDS],
            rows=rows,
            quiet=PARTITIONS - len(rows),
            ages=waiting_picture(since, now),
            amounts=queue_picture(found),
            conditions=[(tone, title, conditions.get(name, 0)) for tone, title, name in CONDITIONS],
            fares=condition_picture(conditions),
            tick_until=until,
            bell=bell,
            workers=_workers(bell, now),
        )

    return table


def _bell(redis_url: str | None, now: Micros) -> Bell:
    if redis_url is None:
        return Bell("This process was told of no Redis: relaypoint up runs one of its own.")
    try:
        return Bell(depth=read_depth(redis_url, now), workers=tuple(read_heartbeats(redis_url)))
    except (RedisError, OSError) as error:
        return Bell(
            f"Redis does not answer ({type(error).__name__}). Nobody is rung until it does; then the tick rings."
        )


def _workers(bell: Bell, now: Micros) -> Picture | None:
    return worker_picture(bell.workers, now) if bell.workers else None


def _row(queue: PartitionQueue, since: Micros | None, depth: QueueDepth | None, now: Micros) -> Row:
    tallies = (getattr(queue, kind) for _, _, kind in KINDS)
    numbers = tuple(told(tally) if tally.number else NOTHING for tally in tallies)
    waits = None if since is None else max(0, now - since)
    return Row(queue, numbers, waits, _rung(queue.number, depth), bool(queue.engine) and queue.lease_until < now)


def _rung(partition: int, depth: QueueDepth | None) -> str:
    """How the next ring for a partition goes, as far as Redis tells."""
    if depth is None:
        return ""
    if partition in depth.at_work:
        return "Job at a worker"
    if partition in depth.waiting:
        return "Job waits"
    return "Worker listens" if partition in depth.warm else ""
