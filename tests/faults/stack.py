"""A real ``relaypoint up`` in a folder of its own, and what a test does to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from redis import Redis

from tests.faults.installation import READY_WITHIN_S, Installation, await_that
from tests.faults.receive_command import command

STARTED = re.compile(r"up\s+started(?: again)? child=(\S+) pid=(\d+)")
RECOVERY_WITHIN_S = 60.0
"""The longest that the road may take to move again after a kill, and to finish."""


class Stack(Installation):
    """``relaypoint up`` with its log, a platform key and the ways to hurt it.

    Args:
        instance: its folder.
        workers: how many.
        database_url: "" for the instance's own SQLite file.
        allow: networks that may be dialled.
        python: the interpreter of the environment that Relaypoint is installed in.
    """

    def __init__(
        self,
        instance: Path,
        *,
        workers: int = 2,
        database_url: str = "",
        allow: str = "127.0.0.0/8",
        python: str = sys.executable,
    ) -> None:
        super().__init__(instance, database_url=database_url, allow=allow)
        self.lines: list[str] = []
        self._python = python
        self._process = subprocess.Popen(
            [*command("up", python=python), "--port", str(self.port), "--workers", str(workers)],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await_ready()
        self.key = self.run("keys", "create", "--name", "fault test", "--role", "admin").strip()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    def _await_ready(self) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, self.log()
            return any(re.search(r"up\s+ready ", line) for line in self.lines)

        await_that(ready, READY_WITHIN_S, self.log)

    def log(self) -> str:
        """The end of the stack's own words."""
        return "\n".join(self.lines[-60:])

    def run(self, *words: str) -> str:
        """A ``relaypoint`` command on the same instance; answers its standard output."""
        done = subprocess.run(
            command(*words, python=self._python),
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pids(self) -> dict[str, int]:
        """The newest process id of each child."""
        return {match[1]: int(match[2]) for line in tuple(self.lines) if (match := STARTED.search(line))}

    def kill(self, *names: str) -> None:
        """``kill -9`` of these children; the supervisor is told nothing."""
        pids = self.pids()
        for name in names:
            os.kill(pids[name], signal.SIGKILL)

    def kill_below(self, name: str) -> None:
        """``kill -9`` of the processes that a child runs itself; the child lives."""
        pid = self.pids()[name]
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert below, f"{name} runs no process of its own"
        for one in below:
            os.kill(int(one), signal.SIGKILL)

    def restarted(self, name: str) -> int:
        """How often a child was started again."""
        return sum(f"started again child={name} " in line for line in tuple(self.lines))

    def flush_redis(self) -> None:
        """FLUSHALL on the embedded server, through its private socket."""
        config = (self.instance / "run" / "redis.conf").read_text()
        fields = dict(re.findall(r'^(unixsocket|requirepass) "([^"]+)"$', config, re.MULTILINE))
        with Redis(unix_socket_path=fields["unixsocket"], password=fields["requirepass"]) as client:
            assert client.flushall()

    def close(self) -> None:
        """Ctrl-C; whoever does not end gets killed. A second call does nothing."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
