"""``relaypoint web`` as a process of its own, and the streams of its live pages over real sockets."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import requests

from tests.faults.installation import free_port

_START = """
import sys
import app.cli.web
import app.console.live.room
import app.console.live.stream
app.cli.web.WEB_PROCESSES = 1
app.console.live.stream.HEARTBEAT_S = float(sys.argv.pop(1))
app.console.live.stream.LONGEST_S = float(sys.argv.pop(1))
from app.cli import main
main(prog_name="relaypoint")
"""
"""One process, so that its places can be counted, and shorter times; its children are forked and so have them too."""


@dataclass
class WebProcess:
    """One web process."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> float:
        """Ask it to end; answers the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        return time.monotonic() - began


@contextmanager
def web_process(instance: Path, heartbeat_s: float = 15.0, longest_s: float = 60.0) -> Iterator[WebProcess]:
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
    command = [sys.executable, "-c", _START, str(heartbeat_s), str(longest_s), "web", "--port", str(port)]
    with subprocess.Popen(command, env={**environ, "RELAYPOINT_INSTANCE": str(instance)}) as process:
        try:
            server = WebProcess(process, port)
            await_that(lambda: _answers(server), within_s=20)
            yield server
        finally:
            process.kill()


def _answers(server: WebProcess) -> bool:
    try:
        return requests.get(f"{server.url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def await_that(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Listening:
    """One stream, read by a thread.

    Args:
        server: who sends it.
        cookie: of the session.
        place: the beginning of its path.
        known: the id of the last event that was seen.
    """

    def __init__(self, server: WebProcess, cookie: str, place: str = "/o/acme", known: str = "") -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
        headers = {"cookie": cookie, "accept": "text/event-stream", "accept-encoding": "gzip"}
        if known:
            headers["last-event-id"] = known
        self._connection.request("GET", f"{place}/live", headers=headers)
        self._socket = self._connection.sock
        self.answer = self._connection.getresponse()
        self.lines: list[str] = []
        self._blocks: queue.Queue[str] = queue.Queue()
        self.ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        block: list[str] = []
        try:
            while line := self.answer.readline():
                text = line.decode().rstrip("\n")
                if text:
                    block.append(text)
                else:
                    self._blocks.put("\n".join(block))
                    block = []
        except HTTPException:
            pass  # hung up in the middle
        finally:
            self._blocks.put("\n".join(block))
            self.ended.set()

    def next(self, within_s: float = 5.0) -> str:
        """The next block."""
        return self._blocks.get(timeout=within_s)

    def silent(self, for_s: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            self._blocks.get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    def begun(self) -> Listening:
        """Past the beginning, and the first word that something may have changed."""
        assert self.next().startswith("retry: 1000\nid: ")
        assert self.next().endswith("\ndata: changed")
        return self

    def leave(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self.answer.close()
        self._connection.close()
