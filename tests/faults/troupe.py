"""The processes of an installation, forked by the zygote: quick to start, with crash points and short leases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import requests

from app.ops.child import SEAT_VARIABLE
from app.ops.logging import PROCESS_NAME_VARIABLE
from app.routing.ledger import ledger_document
from app.store import open_store
from tests.faults.crash_points import Points
from tests.faults.installation import READY_WITHIN_S, Installation, await_that
from tests.faults.redis_server import RedisServer

LEASE_S = 1.0
"""Partition and tick lease of a troupe; 10 s and 5 s in production."""


class Troupe(Installation):
    """Redis, web, tick and workers of one installation, each a real process.

    Args:
        instance: its folder.
        workers: how many.
        database_url: "" for the instance's own SQLite file.
        allow: networks that may be dialled.
        lease_s: the lease of a partition and of the tick.
        python_path: a folder with more distributions.
        patience: looks that a call into a plugin gets, and seconds to load one; 5 and 10 in production.
        before: words that put the processes into namespaces of their own.
        settings: more of ``RELAYPOINT_*``, without the prefix.
    """

    def __init__(
        self,
        instance: Path,
        *,
        workers: int = 2,
        database_url: str = "",
        allow: str = "127.0.0.0/8",
        lease_s: float = LEASE_S,
        python_path: Path | None = None,
        patience: int | None = None,
        before: Sequence[str] = (),
        **settings: str,
    ) -> None:
        super().__init__(instance, database_url=database_url, allow=allow)
        self.redis = RedisServer(instance)
        self.points = Points(instance / "points")
        self.workers = [f"worker-{place}" for place in range(1, workers + 1)]
        self.deaths: list[tuple[str, int]] = []
        """Name and exit code of every process that ended."""
        self.store = open_store(self.database_url, pool_size=1)
        self._pids: dict[str, int] = {}
        self._commands: dict[str, int | None] = {}
        self.environ |= {
            "RELAYPOINT_REDIS_URL": self.redis.url,
            "FAULT_POINTS": str(instance / "points"),
            "PYTHONUNBUFFERED": "1",
            **{f"RELAYPOINT_{name.upper()}": value for name, value in settings.items()},
        }
        if python_path:
            self.environ["PYTHONPATH"] = str(python_path)
        zygote = [sys.executable, "-m", "tests.faults.zygote", str(lease_s), *([str(patience)] if patience else [])]
        self._zygote = subprocess.Popen(
            [*before, *zygote],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environ,
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(READY_WITHIN_S)
        self.run("db", "upgrade")
        self.key = self.run("keys", "create", "--name", "fault test", "--role", "admin").strip()
        self.start("web", "--port", str(self.port))
        self.start("tick")
        for worker in self.workers:
            self.start("worker", name=worker)
        self.await_ready()

    def _read(self) -> None:
        assert self._zygote.stdout is not None
        for line in self._zygote.stdout:
            event = orjson.loads(line)
            if event["event"] == "ready":
                self._ready.set()
            elif event["event"] == "started":
                self._pids[event["name"]] = event["pid"]
            elif event["name"] in self._commands:
                self._commands[event["name"]] = event["code"]
            else:
                self.deaths.append((event["name"], event["code"]))

    def _tell(self, **command: Any) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(orjson.dumps(command) + b"\n")
        self._zygote.stdin.flush()

    def start(self, *words: str, name: str = "", keep: bool = True, output: str = "", **environ: str) -> str:
        """Fork a ``relaypoint`` command; one that is kept is started again whenever it ends."""
        name = name or words[0]
        child = {
            "name": name,
            "argv": list(words),
            "environ": {**self.environ, **environ, PROCESS_NAME_VARIABLE: name, SEAT_VARIABLE: name},
            "output": output or str(self.instance / "log"),
            "errors": f"{output}.errors" if output else str(self.instance / "log"),
            "keep": keep,
        }
        self._tell(do="start", child=child)
        return name

    def run(self, *words: str) -> str:
        """A ``relaypoint`` command on the same instance; answers its standard output."""
        name = f"{words[0]}-{uuid4().hex[:6]}"
        output = self.instance / name
        self._commands[name] = None
        self.start(*words, name=name, keep=False, output=str(output))
        await_that(lambda: self._commands[name] is not None, READY_WITHIN_S)
        assert self._commands[name] == 0, Path(f"{output}.errors").read_text()
        return output.read_text()

    def ledger(self) -> dict[str, Any]:
        """The ledger, read here: a process for each look would cost more than the look."""
        return ledger_document(self.store, None)

    def await_ready(self) -> None:
        """Wait until the web process says that it is ready."""

        def ready() -> bool:
            try:
                with self.session() as session:
                    return session.get(f"{self.url}/readyz", timeout=5).ok
            except requests.RequestException:
                return False

        await_that(ready, READY_WITHIN_S, self.log)

    def log(self) -> str:
        """The end of the processes' own words, and what each process does now."""
        return "\n".join(
            [*self.whole_log().splitlines()[-60:], *(f"{name}: {self.state(name)}" for name in self._pids)]
        )

    def state(self, name: str) -> str:
        """What the kernel says that a process does: a letter as in ``ps``, and where it waits; "" when it is gone."""
        place = Path(f"/proc/{self.pid(name)}")
        try:
            letter = (place / "stat").read_text().rpartition(")")[2].split()[0]
            return f"{letter} {(place / 'wchan').read_text()}"
        except OSError:
            return ""

    def whole_log(self) -> str:
        """Everything the processes said."""
        path = self.instance / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def pid(self, name: str) -> int:
        """The newest process id of a process."""
        return self._pids[name]

    def died(self, name: str) -> int:
        """How often a process ended."""
        return sum(died == name for died, _ in self.deaths)

    def kill(self, *names: str, number: signal.Signals = signal.SIGKILL) -> None:
        """A signal to these processes; who ends is started again."""
        for name in names:
            with suppress(ProcessLookupError):  # dead already, and about to be started again
                os.kill(self.pid(name), number)

    def stop(self, *names: str, number: signal.Signals = signal.SIGTERM) -> None:
        """A signal to these processes, which are not started again, and wait for their ends."""
        before = {name: self.died(name) for name in names}
        for name in names:
            self._tell(do="stop", name=name, signal=number)
        await_that(lambda: all(self.died(name) > before[name] for name in names), 40, self.log)

    def take_away(self, names: Sequence[str]) -> None:
        """``kill -9`` without a new start."""
        self.stop(*names, number=signal.SIGKILL)

    def close(self) -> None:
        """End everything at once."""
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        for pid in tuple(self._pids.values()):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._zygote.stdin.close()
        self._zygote.wait(20)
        self._reader.join(5)
        self._zygote.stdout.close()
        self.store.close()
        self.redis.close()
