"""``relaypoint worker``: processes that deliver."""

from __future__ import annotations

import os

import click

from app.cli.key_check import check_master_keys
from app.cli.program import own_command
from app.core.clock import system_clock
from app.core.errors import ConfigurationError
from app.ops.child import SEAT_VARIABLE, ChildSpec
from app.ops.logging import configure_logging
from app.ops.memory import limit_memory
from app.ops.supervisor import Supervisor
from app.queue.worker import STOP_GRACE_S
from app.settings import Settings, load_settings


@click.command()
@click.option("-n", "--number", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
def worker(number: int) -> None:
    """Run workers that deliver.

    Add workers by starting this on as many machines as you like; they share the work through Redis and the database.
    """
    settings = load_settings()
    configure_logging("worker", json_lines=settings.log_format == "json")
    if number > 1:
        _run_several(number)
    else:
        _run_one(settings)


def worker_specs(number: int, environ: dict[str, str], order: int = 0) -> list[ChildSpec]:
    """Children that run one worker each."""
    return [
        ChildSpec(
            name=f"worker-{place}",
            argv=own_command("worker"),
            environ=environ,
            order=order,
            grace_s=STOP_GRACE_S + 5,
        )
        for place in range(1, number + 1)
    ]


def redis_url_of(settings: Settings) -> str:
    """The Redis to use.

    Raises:
        ConfigurationError: none is set; only ``relaypoint up`` brings its own.
    """
    if not settings.redis_url:
        raise ConfigurationError("set RELAYPOINT_REDIS_URL, or run the whole stack with: relaypoint up")
    return settings.redis_url


def _run_one(settings: Settings) -> None:
    # Imported here: the parent of several workers must not load, let alone start, what delivers.
    from app.delivery.engine import build_engine  # noqa: PLC0415 - as above
    from app.queue.connection import ring_redis  # noqa: PLC0415 - as above
    from app.queue.doorbell import RedisDoorbell  # noqa: PLC0415 - as above
    from app.queue.worker import WorkerProcess  # noqa: PLC0415 - as above

    redis_url = redis_url_of(settings)
    check_master_keys(settings)
    limit_memory(settings.memory_limit_mib)
    doorbell = RedisDoorbell(ring_redis(redis_url), system_clock)
    WorkerProcess(redis_url, build_engine(settings, doorbell, os.environ.get(SEAT_VARIABLE))).run()


def _run_several(number: int) -> None:
    supervisor = Supervisor()
    supervisor.install_signals()
    supervisor.add(worker_specs(number, dict(os.environ)))
    try:
        supervisor.run()
    finally:
        supervisor.stop()
