"""``relaypoint up``: the whole stack on this machine, with one command."""

from __future__ import annotations

import dataclasses
import fcntl
import http.client
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from redis.exceptions import RedisError

from app.cli.demo_stack import demo_specs
from app.cli.key_check import check_master_keys
from app.cli.program import own_command
from app.cli.public_bind import refuse_open_bind
from app.cli.web import STOP_GRACE_S as WEB_GRACE_S
from app.cli.worker import worker_specs
from app.core.errors import ConfigurationError
from app.ops.child import ChildSpec
from app.ops.logging import configure_logging
from app.ops.supervisor import Supervisor
from app.queue.connection import ring_redis
from app.queue.embedded import prepare_server
from app.settings import PREFIX, Settings, load_settings
from app.store.migrate import migrate

log = logging.getLogger(__name__)

REDIS_START_S = 10.0
_WEB, _TICK, _WORKERS, _REDIS = range(4)
"""The order of ending: first nobody comes in, then nobody rings, then what is in flight ends, and Redis goes last."""


@click.command()
@click.option("--demo", is_flag=True, help="Add sample data, a local receiver and a gentle stream of events.")
@click.option("--host", help="Address to listen on.  [default: from the settings, 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: from the settings, 8080]")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.  [default: from the settings, 2]")
def up(*, demo: bool, host: str | None, port: int | None, workers: int | None) -> None:
    """Run the whole stack on this machine: web, workers, tick, and a Redis of its own.

    Ctrl-C ends all of it. Set RELAYPOINT_REDIS_URL and RELAYPOINT_DATABASE_URL to use other servers.
    """
    settings = load_settings()
    settings = dataclasses.replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
    )
    refuse_open_bind(settings)
    configure_logging("up", json_lines=settings.log_format == "json")
    settings.instance.mkdir(parents=True, exist_ok=True)
    with _alone(settings.instance):
        _refuse_taken_port(settings)
        _run(settings, demo=demo)


def _run(settings: Settings, *, demo: bool) -> None:
    migrate(settings.database_url)
    check_master_keys(settings)
    supervisor = Supervisor()
    supervisor.install_signals()
    environ = {**os.environ, "RELAYPOINT_INSTANCE": str(settings.instance.resolve())}
    try:
        environ["RELAYPOINT_REDIS_URL"] = settings.redis_url or _start_redis(settings, supervisor, environ)
        children = _stack(settings, environ)
        if demo:
            extra, allowed = demo_specs(settings, environ, order=_WEB)
            environ["RELAYPOINT_EGRESS_ALLOW"] = ",".join([*settings.egress_allow, allowed])
            children = [*_stack(settings, environ), *extra]
        supervisor.add(children)
        threading.Thread(target=_announce, args=(settings, supervisor), daemon=True).start()
        supervisor.run()
    finally:
        supervisor.stop()


def _stack(settings: Settings, environ: Mapping[str, str]) -> list[ChildSpec]:
    web = own_command("web", "--host", settings.host, "--port", str(settings.port))
    return [
        ChildSpec(name="web", argv=web, environ=environ, order=_WEB, grace_s=WEB_GRACE_S + 2),
        ChildSpec(name="tick", argv=own_command("tick"), environ=_without_master_keys(environ), order=_TICK),
        *worker_specs(settings.workers, dict(environ), order=_WORKERS),
    ]


def _without_master_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """For a process that seals and opens nothing."""
    return {name: value for name, value in environ.items() if name != f"{PREFIX}SECRET_KEYS"}


def _start_redis(settings: Settings, supervisor: Supervisor, environ: Mapping[str, str]) -> str:
    """Start the embedded server and wait until it answers; answers its URL."""
    server = prepare_server(settings.instance)
    bare = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    supervisor.add([ChildSpec(name="redis", argv=server.argv, environ=bare, order=_REDIS)])
    client = ring_redis(server.url)
    deadline = time.monotonic() + REDIS_START_S
    while True:
        try:
            client.ping()
        except (RedisError, OSError) as error:
            if time.monotonic() > deadline or supervisor.stopping:
                raise ConfigurationError(f"the embedded Redis did not start: {server.argv[0]}") from error
            supervisor.watch_once()
            time.sleep(0.02)
        else:
            client.close()
            return server.url


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """Hold the instance folder: two stacks on one folder would share a socket and a port by accident."""
    with (instance / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"another `relaypoint up` already runs on {instance}; "
                "stop it, or set RELAYPOINT_INSTANCE to another folder"
            ) from error
        yield


def _refuse_taken_port(settings: Settings) -> None:
    """Say at once that a port is taken, instead of restarting a web process that cannot listen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another port with --port"
            ) from error


def _announce(settings: Settings, supervisor: Supervisor) -> None:
    """Say when the stack answers."""
    host = settings.local_host
    while not supervisor.stopping:
        if answers(host, settings.port):
            shown = f"[{host}]" if ":" in host else host
            log.info("ready", extra={"url": f"http://{shown}:{settings.port}"})
            return
        time.sleep(0.1)


def answers(host: str, port: int) -> bool:
    """Whether the web process says that it is ready."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
