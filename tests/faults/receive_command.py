"""``relaypoint receive`` as a process: verifies signatures, counts distinct deliveries and duplicates."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import Any

import orjson
import requests


class ReceiveCommand:
    """A ``relaypoint receive`` process."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [*command("receive"), "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        found = re.search(r":(\d+)/", line)
        assert found, line
        self.url = f"http://127.0.0.1:{found[1]}"
        self._reader = threading.Thread(target=self._drain_words, daemon=True)
        self._reader.start()

    def _drain_words(self) -> None:
        assert self._process.stderr is not None
        for _ in self._process.stderr:
            pass

    def counts(self) -> dict[str, Any]:
        """Its counts so far."""
        with requests.Session() as session:
            session.trust_env = False
            return orjson.loads(session.get(self.url, timeout=30).content)

    def end(self) -> tuple[int, dict[str, Any]]:
        """SIGTERM; answers its exit code and its summary."""
        self._process.terminate()
        code = self._process.wait(30)
        assert self._process.stdout is not None
        return code, orjson.loads(self._process.stdout.read())

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def command(*words: str, python: str = sys.executable) -> list[str]:
    """The command line of a ``relaypoint`` command."""
    return [python, "-m", "app.cli", *words]
