from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.ops.child import FIRST_WAIT_S, LONGEST_WAIT_S, ChildSpec, RestartDelay
from app.ops.supervisor import Supervisor

pytestmark = pytest.mark.process

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


class Stage:
    """A supervisor whose children's lines are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.supervisor = Supervisor(self.lines.append)

    def add(self, name: str, code: str, *, order: int = 0, grace_s: float = 5) -> None:
        argv = [sys.executable, "-S", "-c", code]
        self.supervisor.add([ChildSpec(name=name, argv=argv, environ=dict(os.environ), order=order, grace_s=grace_s)])

    def watch_until(self, done: Callable[[], bool], within_s: float = 5) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, self.lines
            self.supervisor.watch_once()
            time.sleep(0.01)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.supervisor.request_stop()
    stage.supervisor.request_stop()
    stage.supervisor.stop()


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_a_line_of_a_child_carries_its_name(stage: Stage) -> None:
    stage.add("redis", "print('plain words'); print('12:34:56 web       own line')")
    stage.watch_until(lambda: len(stage.lines) >= 2)
    assert stage.lines[0].endswith("redis     plain words")
    assert stage.lines[1] == "12:34:56 web       own line"


def test_a_killed_child_is_started_again_and_reported(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.add("worker-1", SLEEP)
    first = stage.supervisor.pids()["worker-1"]
    os.kill(first, signal.SIGKILL)
    stage.watch_until(lambda: stage.supervisor.restarts == 1)
    assert stage.supervisor.pids()["worker-1"] != first
    assert "died" in caplog.text


def test_what_a_dead_child_had_started_dies_with_it(stage: Stage) -> None:
    stage.add("web", f"import os, time\npid = os.fork()\nif pid: print(pid, flush=True)\n{SLEEP}")
    stage.watch_until(lambda: any(line.endswith(" up") for line in stage.lines) and len(stage.lines) >= 3)
    grandchild = next(int(line.split()[-1]) for line in stage.lines if line.split()[-1].isdigit())
    assert running(grandchild)
    os.kill(stage.supervisor.pids()["web"], signal.SIGKILL)
    stage.watch_until(lambda: not running(grandchild))


def test_children_end_in_their_order(stage: Stage, tmp_path: Path) -> None:
    log = tmp_path / "ends"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.1); open({log!r}, 'a').write({name!r}); sys.exit()\n"
        "signal.signal(15, end); print('up', flush=True); time.sleep(60)"
    )
    for order, name in ((2, "c"), (0, "a"), (1, "b")):
        stage.add(name, code.format(log=str(log), name=name), order=order)
    stage.watch_until(lambda: len(stage.lines) == 3)
    stage.supervisor.stop()
    assert log.read_text() == "abc"


def test_a_child_that_ignores_the_request_is_killed_after_its_grace(stage: Stage) -> None:
    stage.add("web", STUBBORN, grace_s=0.3)
    stage.watch_until(lambda: bool(stage.lines))
    pid = stage.supervisor.pids()["web"]
    began = time.monotonic()
    stage.supervisor.stop()
    assert 0.2 < time.monotonic() - began < 3
    assert not running(pid)


def test_a_second_request_waits_for_nobody(stage: Stage) -> None:
    stage.add("web", STUBBORN, grace_s=60)
    stage.watch_until(lambda: bool(stage.lines))
    stage.supervisor.request_stop()
    stage.supervisor.request_stop()
    began = time.monotonic()
    stage.supervisor.stop()
    assert time.monotonic() - began < 3


def test_no_child_outlives_a_supervisor_that_was_killed() -> None:
    code = (
        "import os, sys, time\n"
        "from app.ops.child import ChildSpec\nfrom app.ops.supervisor import Supervisor\n"
        "supervisor = Supervisor()\n"
        f"argv = [sys.executable, '-S', '-c', {SLEEP!r}]\n"
        "supervisor.add([ChildSpec(name=n, argv=argv, environ=dict(os.environ)) for n in ('a', 'b')])\n"
        "print('pids', *supervisor.pids().values(), flush=True)\nsupervisor.run()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # The children's own lines come through the same pipe, before this one or after it.
        lines = [process.stdout.readline() for _ in range(3)]
        (told,) = (line.removeprefix("pids ") for line in lines if line.startswith("pids "))
        pids = [int(word) for word in told.split()]
        assert len(pids) == 2
        process.kill()
    deadline = time.monotonic() + 5
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_wait_before_a_restart_doubles_to_a_limit_and_health_resets_it() -> None:
    delay = RestartDelay()
    waits = [delay.after(lived_s=0) for _ in range(8)]
    assert waits[:4] == pytest.approx([FIRST_WAIT_S, 0.4, 0.8, 1.6])
    assert waits[-1] == LONGEST_WAIT_S
    assert delay.after(lived_s=31) == FIRST_WAIT_S
