"""One supervised child: how it is started, how its words are passed on, how long it waits before its next start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from app.ops import parent
from app.ops.logging import NAME_WIDTH, PROCESS_NAME_VARIABLE

_SHIM = str(Path(parent.__file__))
_OWN_LINE = re.compile(r"\d\d:\d\d:\d\d \S|\{")

SEAT_VARIABLE = "_RELAYPOINT_SEAT"
"""How a child is told its seat: a name that it shares with its dead predecessors, and with no living process."""

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
HEALTHY_AFTER_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A program to keep running.

    Attributes:
        name: how log lines call it.
        argv: the command; visible to every user of the machine, so no secret stands in it.
        environ: its whole environment.
        order: children with the lowest number end first, the next ones only when those are gone.
        grace_s: how long it gets between the request to end and the kill.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)
    order: int = 0
    grace_s: float = 5.0


class RestartDelay:
    """0.2 s, doubled with every early death up to 10 s, and 0.2 s again after 30 s of health."""

    def __init__(self) -> None:
        self._wait_s = FIRST_WAIT_S

    def after(self, lived_s: float) -> float:
        """How long to wait now that the child has died at this age."""
        if lived_s >= HEALTHY_AFTER_S:
            self._wait_s = FIRST_WAIT_S
        wait_s = self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        return wait_s


class Child:
    """A running (or about to run) instance of a :class:`ChildSpec`.

    The child gets a session of its own, so that Ctrl-C on the terminal reaches the supervisor only.

    Args:
        spec: what to run.
        say: takes each line the child writes.
    """

    def __init__(self, spec: ChildSpec, say: Callable[[str], object]) -> None:
        self.spec = spec
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._seat = f"{spec.name}-{uuid4().hex}"
        self._delay = RestartDelay()
        self._started_at = 0.0
        self.start_at = 0.0
        """Monotonic time of the next start, when it does not run."""

    @property
    def pid(self) -> int | None:
        """Process id, None when it does not run."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it; must be called in the main thread."""
        environ = {
            **self.spec.environ,
            PROCESS_NAME_VARIABLE: self.spec.name,
            SEAT_VARIABLE: self._seat,
            "PYTHONUNBUFFERED": "1",
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-I", "-S", _SHIM, str(os.getpid()), *self.spec.argv],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        self._reader = threading.Thread(target=self._pass_on, args=(self._process,), daemon=True)
        self._reader.start()

    def reap(self) -> int | None:
        """Its exit code when it has just ended, else None; plans the next start."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        self._kill_group(signal.SIGKILL)
        self._forget()
        now = time.monotonic()
        self.start_at = now + self._delay.after(now - self._started_at)
        return code

    def ask_to_end(self) -> None:
        """SIGTERM."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; True when it is gone."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._kill_group(signal.SIGKILL)
        self._forget()
        return True

    def kill(self) -> None:
        """SIGKILL to it and to everything it started."""
        if self._process is not None:
            self._kill_group(signal.SIGKILL)
            self.wait(5)

    def _kill_group(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _forget(self) -> None:
        process, self._process = self._process, None
        if self._reader is not None:
            self._reader.join(1)
        if process is not None and process.stdout is not None:
            process.stdout.close()

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        """Every line of the child, under its name unless it says so itself."""
        if process.stdout is None:
            return
        with suppress(ValueError, OSError):
            for line in process.stdout:
                text = line.rstrip()
                if text:
                    self._say(text if _OWN_LINE.match(text) else self._named(text))

    def _named(self, text: str) -> str:
        return f"{time.strftime('%H:%M:%S')} {self.spec.name:<{NAME_WIDTH}} {text}"
