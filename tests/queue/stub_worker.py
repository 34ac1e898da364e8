"""A worker process with a small engine that writes what it does to a file; started by the tests."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

from app.ops.logging import configure_logging
from app.queue import worker
from app.queue.worker import WorkerProcess


class FileEngine:
    """Notes every call; a drain blocks for a while, or until it is stopped.

    Partition 13 kills the engine; 14 hangs, and lets no other thread of the process have a turn.
    """

    def __init__(self, path: Path, drain_s: float) -> None:
        self.failed: BaseException | None = None
        self._path = path
        self._drain_s = drain_s
        self._stop = threading.Event()

    def start(self) -> None:
        self._note("start")

    def run(self) -> None:
        self._stop.wait()

    def drain(self, partition: int, slice_s: float) -> None:
        self._note(f"drain {partition}")
        if partition == 14:
            re.match(r"(a|a)+$", "a" * 60 + "b")  # holds the interpreter: it looks for signals in the main thread only
        if partition == 13:
            self.failed = RuntimeError("the engine thread died")
        self._stop.wait(min(self._drain_s, slice_s))
        self._note(f"done {partition}")

    def stop(self, grace_s: float) -> None:
        self._note(f"stop {grace_s:g}")
        self._stop.set()

    def _note(self, text: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{text}\n")


if __name__ == "__main__":
    configure_logging("worker")
    if len(sys.argv) > 4:
        worker.NO_SIGN_OF_LIFE_S, worker._LOOKS_PER_SIGN = float(sys.argv[4]), 1
    WorkerProcess(sys.argv[1], FileEngine(Path(sys.argv[2]), float(sys.argv[3]))).run()
