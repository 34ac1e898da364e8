"""A Redis of a test's own: killed, stopped, filled up and started again under the same address."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.queue.embedded import prepare_server
from tests.faults.installation import await_that


class RedisServer:
    """The server that ``relaypoint up`` would start, started by the test."""

    def __init__(self, folder: Path) -> None:
        self._server = prepare_server(folder)
        self.url = self._server.url
        self.socket_path = str(self._server.folder / "redis.sock")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._process = subprocess.Popen(self._server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_that(self._answers, 10)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def client(self) -> Redis:
        """A client of the test's own."""
        return Redis.from_url(self.url, socket_timeout=2)

    def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """SIGSTOP: connections are taken, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
