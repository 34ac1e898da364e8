"""Whose turn it is to write to SQLite.

SQLite lets one process write at a time, and its busy handler sleeps and retries: with several writing processes some
sleep for hundreds of milliseconds while others go first again and again. So nobody ever meets the busy handler: writers
queue for a turn on two file locks. A writer takes the *gate*, waits there for the *pen*, and opens the gate once it has
the pen. At most one process waits for the pen, so it gets it the moment it is free, and a process that writes in a loop
goes to the back. The kernel releases both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WriteTurn:
    """The turn of one database file, fair between processes and threads.

    Args:
        database: path of the SQLite file; the locks live beside it.
    """

    def __init__(self, database: Path) -> None:
        self._gate_path = f"{database}.gate"
        self._pen_path = f"{database}.pen"
        self._thread_turn = threading.Lock()
        self._files: tuple[int, int] | None = None
        self._owner_pid = 0

    @contextmanager
    def taken(self) -> Iterator[float]:
        """Wait for the turn, hold it for the block, give it back. Gives the seconds waited."""
        asked_at = time.monotonic()
        with self._thread_turn:
            gate, pen = self._open()
            fcntl.flock(gate, fcntl.LOCK_EX)
            try:
                fcntl.flock(pen, fcntl.LOCK_EX)
            finally:
                fcntl.flock(gate, fcntl.LOCK_UN)
            try:
                yield time.monotonic() - asked_at
            finally:
                fcntl.flock(pen, fcntl.LOCK_UN)

    def _open(self) -> tuple[int, int]:
        """The lock files of this process. A forked child opens its own, or it would share its parent's locks."""
        if self._files is None or self._owner_pid != os.getpid():
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._files = (os.open(self._gate_path, flags, 0o600), os.open(self._pen_path, flags, 0o600))
            self._owner_pid = os.getpid()
        return self._files

    def close(self) -> None:
        """Close the lock files of this process."""
        if self._files is not None and self._owner_pid == os.getpid():
            for handle in self._files:
                os.close(handle)
        self._files = None
