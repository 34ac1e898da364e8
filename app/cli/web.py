"""``relaypoint web``: the process that answers HTTP."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from app.cli.key_check import check_master_keys
from app.cli.people import announce_setup
from app.cli.public_bind import refuse_open_bind
from app.ops.collector import spare_the_collector
from app.ops.logging import configure_logging
from app.ops.memory import limit_memory
from app.ops.parent import die_with_parent
from app.settings import Settings, load_settings

WEB_PROCESSES = 2
"""Taking events apart is most of the work, and needs a processor. On SQLite they queue for their turn to write, like
every writer, so that two are no slower than one."""
BACKLOG = 1024
APPLICATION = "app.web:create_server_app"
"""Named, as for any server, and loaded in the server's own worker processes; their parent loads no application."""

STOP_GRACE_S = 10

_SERVER_LOGS = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}
"""The server's own log goes where ours goes."""


@click.command()
@click.option("--host", help="Address to listen on.  [default: from the settings, 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: from the settings, 8080]")
def web(host: str | None, port: int | None) -> None:
    """Run the web process: ingest, API and console."""
    settings = load_settings()
    settings = dataclasses.replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    refuse_open_bind(settings)
    configure_logging("web", json_lines=settings.log_format == "json")
    check_master_keys(settings)
    announce_setup(settings)
    _serve(settings)


def application_loader(settings: Settings) -> Callable[[], Any]:
    """What the server calls in each of its worker processes to get the application."""
    server = os.getpid()

    def load() -> Any:
        # Until the server sets its own: the handlers inherited from its parent would swallow a request to end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(server)
        configure_logging("web", json_lines=settings.log_format == "json")
        limit_memory(settings.memory_limit_mib)
        module, _, factory = APPLICATION.partition(":")
        application = getattr(import_module(module), factory)(settings)
        spare_the_collector()
        return application

    return load


def _serve(settings: Settings) -> None:
    from granian import Granian  # noqa: PLC0415 - only this command needs the server
    from granian.constants import Interfaces  # noqa: PLC0415 - as above
    from granian.log import LogLevels  # noqa: PLC0415 - as above

    server = Granian(
        APPLICATION,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        workers=WEB_PROCESSES,
        websockets=False,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_GRACE_S,
        log_level=LogLevels.error,
        log_dictconfig=_SERVER_LOGS,
    )
    server.serve(target_loader=application_loader(settings), wrap_loader=False)
