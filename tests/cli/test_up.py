from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.redis]

STARTED = re.compile(r"up\s+started(?: again)? child=(\S+) pid=(\d+)")


class Stack:
    """``relaypoint up`` as a user runs it, with its log."""

    def __init__(self, instance: Path, *words: str) -> None:
        self.port = free_port()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("RELAYPOINT_")}
        command = [sys.executable, "-m", "app.cli", "up", "--port", str(self.port), "--workers", "1", *words]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            env={**environ, "RELAYPOINT_INSTANCE": str(instance)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def await_line(self, pattern: str, *, within_s: float = 20, after: int = 0) -> int:
        """The place of the first line from ``after`` on that matches."""
        deadline = time.monotonic() + within_s
        while True:
            for place, line in enumerate(self.lines[after:], start=after):
                if re.search(pattern, line):
                    return place
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n" + "\n".join(self.lines)
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(0.02)

    def pids(self) -> dict[str, int]:
        """The newest process id of each child."""
        return {match[1]: int(match[2]) for line in self.lines if (match := STARTED.search(line))}

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join(5)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def stacks() -> Iterator[list[Stack]]:
    stacks: list[Stack] = []
    yield stacks
    for stack in stacks:
        stack.close()


def test_the_demo_delivers_within_ten_seconds_and_ctrl_c_ends_all(instance: Path, stacks: list[Stack]) -> None:
    stack = Stack(instance, "--demo")
    stacks.append(stack)
    ready = stack.await_line(rf"ready url=http://127\.0\.0\.1:{stack.port}$")
    stack.await_line(r"receiver .*200 .* 1 event", within_s=10, after=min(ready, 1))
    pids = stack.pids()
    assert set(pids) == {"redis", "web", "tick", "worker-1", "receiver", "demo"}
    assert stack.end() == 0
    assert not [name for name, pid in pids.items() if alive(pid)]


def test_every_child_that_is_killed_comes_back_and_deliveries_go_on(instance: Path, stacks: list[Stack]) -> None:
    stack = Stack(instance, "--demo")
    stacks.append(stack)
    stack.await_line(r"receiver .*200 .* 1 event")
    for name in ("worker-1", "web", "redis", "tick"):
        place = len(stack.lines)
        os.kill(stack.pids()[name], signal.SIGKILL)
        again = stack.await_line(rf"started again child={name} ", after=place)
        stack.await_line(r"receiver .*200 .* 1 event", after=again, within_s=25)
    assert stack.end() == 0


def test_no_child_outlives_a_killed_stack_and_a_second_start_uses_the_same_demo(
    instance: Path, stacks: list[Stack]
) -> None:
    first = Stack(instance, "--demo")
    stacks.append(first)
    place = first.await_line(r"demo ready")
    made = first.lines[place].split("webhooks=")[1]
    pids = first.pids()
    first.process.kill()
    deadline = time.monotonic() + 25
    while alive_names := [name for name, pid in pids.items() if alive(pid)]:
        assert time.monotonic() < deadline, alive_names
        time.sleep(0.05)
    second = Stack(instance, "--demo")
    stacks.append(second)
    place = second.await_line(r"demo ready")
    assert second.lines[place].endswith(f"webhooks={made}")
    assert second.end() == 0


def test_a_second_stack_on_the_same_folder_is_refused(instance: Path, stacks: list[Stack]) -> None:
    first = Stack(instance)
    stacks.append(first)
    first.await_line(r"started child=redis")
    second = Stack(instance)
    stacks.append(second)
    assert second.process.wait(20) == 1
    second._reader.join(5)
    assert any("already runs" in line and "stop it, or set RELAYPOINT_INSTANCE" in line for line in second.lines)
    assert first.end() == 0


def test_a_taken_port_is_said_at_once(instance: Path, stacks: list[Stack]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack = Stack(instance, "--port", str(taken.getsockname()[1]))
        stacks.append(stack)
        assert stack.process.wait(20) == 1
    stack._reader.join(5)
    assert any("cannot listen" in line and "--port" in line for line in stack.lines)
