"""A worker process with a small engine that writes what it does to a file; started by the tests."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from app.ops.logging import configure_logging
from app.queue.worker import WorkerProcess


class FileEngine:
    """Notes every call; a drain blocks for a while, or until it is stopped. Partition 13 kills the engine."""

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
    WorkerProcess(sys.argv[1], FileEngine(Path(sys.argv[2]), float(sys.argv[3]))).run()
