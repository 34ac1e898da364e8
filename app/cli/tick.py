"""``relaypoint tick``: rings what is due."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from threading import Event

import click

from app.cli.worker import redis_url_of
from app.core.clock import SECOND, Micros, system_clock
from app.delivery.engine import other_plugins
from app.delivery.replaying import Replayer
from app.ops.logging import configure_logging
from app.queue.connection import ring_redis
from app.queue.doorbell import RedisDoorbell
from app.queue.tick import Tick
from app.queue.tidying import Tidying
from app.routing.dialects import understand_dialects
from app.routing.hook_faults import HookFaults
from app.settings import load_settings
from app.store import open_store
from app.store.due import due_partitions
from app.store.partitions import take_tick_lease

LEASE: Micros = 5 * SECOND
"""How long another tick waits before it takes over from one that has fallen silent."""


@click.command()
def tick() -> None:
    """Ring what is due, once a second.

    Several may run; one works and the others stand by.
    """
    settings = load_settings()
    configure_logging("tick", json_lines=settings.log_format == "json")
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    store = open_store(settings.database_url)
    understand_dialects(other_plugins(settings), HookFaults(system_clock, store), system_clock)

    def due(now: Micros) -> list[int]:
        with store.read() as connection:
            return due_partitions(connection, now)

    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A default-interpreter exit would do as well; this one lets a round finish.
        signal.signal(number, lambda _number, _frame: stop.set())
    loop = Tick(
        take_lease=lambda now: take_tick_lease(store, owner, now, LEASE),
        due_partitions=due,
        doorbell=RedisDoorbell(ring_redis(redis_url_of(settings)), system_clock),
        clock=system_clock,
        replay=Replayer(store).step,
        tidy=Tidying(store, body_days=settings.retention_days, receipt_days=settings.receipt_retention_days),
    )
    try:
        loop.run(stop)
    finally:
        store.close()
