"""One process that has imported everything and forks the processes of a stack: a start costs milliseconds.

It can, because nothing in the project owns a socket, a thread or a file before a fork. It reads one command per line on
standard input, writes one event per line on standard output, and starts what has died again, as the supervisor does,
only sooner. Its children have the crash points in place, and leases of a second.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

PRELOADED = (
    "app.cli.web",
    "app.cli.worker",
    "app.cli.tick",
    "app.cli.ledger",
    "app.cli.keys",
    "app.cli.db",
    "app.api",
    "app.api.application",
    "app.delivery.engine",
    "app.queue.worker",
    "granian",
    "pycurl",
)
RESTART_AFTER_S = 0.05
_POLL_S = 0.01


@dataclass
class Forked:
    """A process of the stack, running or about to be started again."""

    name: str
    argv: list[str]
    environ: dict[str, str]
    output: str
    errors: str
    keep: bool
    pid: int = 0
    start_at: float = 0.0


class Zygote:
    """Forks, watches, starts again."""

    def __init__(self) -> None:
        self._children: dict[str, Forked] = {}
        self._unread = b""

    def run(self) -> None:
        """Serve until standard input closes."""
        while True:
            ready, _, _ = select.select([0], [], [], _POLL_S)
            if ready:
                chunk = os.read(0, 65_536)
                if not chunk:
                    return
                self._unread += chunk
                *lines, self._unread = self._unread.split(b"\n")
                for line in lines:
                    self._obey(orjson.loads(line))
            self._reap()
            now = time.monotonic()
            for child in self._children.values():
                if not child.pid and child.keep and now >= child.start_at:
                    self._start(child)

    def _obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "start":
            child = Forked(**command["child"])
            self._children[child.name] = child
            self._start(child)
        else:
            child = self._children[command["name"]]
            child.keep = False
            if child.pid:
                os.kill(child.pid, command["signal"])

    def _start(self, child: Forked) -> None:
        sys.stdout.flush()
        child.pid = os.fork()
        if not child.pid:
            _become(child)
        _tell(event="started", name=child.name, pid=child.pid)

    def _reap(self) -> None:
        for child in self._children.values():
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            child.pid = 0
            child.start_at = time.monotonic() + RESTART_AFTER_S
            _tell(event="ended", name=child.name, pid=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**event: Any) -> None:
    os.write(1, orjson.dumps(event) + b"\n")


def _become(child: Forked) -> None:
    """The forked side: a process of its own group that runs a ``relaypoint`` command and never returns."""
    from app.cli import main  # noqa: PLC0415
    from app.ops.parent import die_with_parent  # noqa: PLC0415
    from tests.faults.crash_points import Points, install  # noqa: PLC0415

    code = 1
    try:
        os.setsid()
        die_with_parent(os.getppid())
        for place, descriptor in ((child.output, 1), (child.errors, 2)):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(child.environ)
        install(Points(Path(child.environ["FAULT_POINTS"])))
        main(args=child.argv, prog_name="relaypoint", standalone_mode=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - said, then the process ends
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def shorten_leases(lease_s: float) -> None:
    """Set the lease of partitions and of the tick, before the modules that copy them are imported."""
    from app.core.clock import SECOND  # noqa: PLC0415
    from app.store import partitions  # noqa: PLC0415

    partitions.PARTITION_LEASE = int(lease_s * SECOND)
    tick = importlib.import_module("app.cli.tick")
    tick.LEASE = int(lease_s * SECOND)


def shorten_patience(patience: int) -> None:
    """Set how many looks a call into a plugin gets, and how much time and memory one may take to load."""
    from app.delivery import plugin_watch  # noqa: PLC0415
    from app.sinks import manager  # noqa: PLC0415

    plugin_watch.PATIENCE = patience
    manager.LOAD_S = float(patience)
    manager.LOAD_BYTES = 128 * 1024 * 1024


def main() -> None:
    """``python -m tests.faults.zygote LEASE_S [PATIENCE]``."""
    from app.ops.parent import die_with_parent  # noqa: PLC0415

    die_with_parent(os.getppid())
    shorten_leases(float(sys.argv[1]))
    if len(sys.argv) > 2:
        shorten_patience(int(sys.argv[2]))
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()
    _tell(event="ready")
    Zygote().run()


if __name__ == "__main__":
    main()
