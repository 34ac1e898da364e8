from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import pytest

from tests.sinks.conftest import install

__all__ = ["install"]


@dataclass
class RunningReceiver:
    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str = "POST", body: bytes | None = b"{}", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, "/hook", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def live(self) -> dict[str, object]:
        return orjson.loads(self.ask("GET", None)[1])

    def end(self, number: int | None = signal.SIGTERM) -> tuple[int, str, str]:
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=15)
        return self.process.returncode, out, err


StartReceiver = Callable[..., RunningReceiver]


@pytest.fixture
def start_receiver() -> Iterator[StartReceiver]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> RunningReceiver:
        command = [sys.executable, "-m", "app.cli", "receive", "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r":(\d+)/", line)
        assert found, line + process.stderr.read()
        return RunningReceiver(process, int(found[1]))

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
