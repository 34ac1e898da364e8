"""Breaks off a call into a plugin that does not come to an end.

The drain is one thread, so whatever hangs in it holds up every webhook of its process. Nothing is measured per call: a
call gets a number, and a timer of the kernel looks once a second whether the number is still the same. The drain runs
in the main thread, because only there the kernel's timer can interrupt a sleep, a socket or a regular expression.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

from app.sinks.bounds import PluginHungError

LOOK_S = 1.0
PATIENCE = 5
"""Looks that may find the same call at work: it is broken off after 5 to 6 seconds, well inside a partition's lease."""


class PluginWatch:
    """Knows whether a call into a plugin runs now. A process has one; ``with WATCH:`` stands around each call."""

    __slots__ = ("_found", "_looks", "_number", "_running")

    def __init__(self) -> None:
        self._number = 0
        self._running = False
        self._found = 0
        self._looks = 0

    def __enter__(self) -> None:
        self._number += 1
        self._running = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = False

    def over(self) -> None:
        """The call has ended, even if the interruption came while it was being left."""
        self._running = False

    def look(self) -> None:
        """Look whether one call runs for too long. A process that was frozen meanwhile has been looked at only once.

        Raises:
            PluginHungError: it does; raised wherever that call is now.
        """
        if not self._running:
            return
        if self._found != self._number:
            self._found, self._looks = self._number, 0
        self._looks += 1
        if self._looks > PATIENCE:
            raise PluginHungError(f"broken off after {PATIENCE * LOOK_S:g} s")

    def begin(self) -> None:
        """Let the kernel's timer look from now on. To be called in the main thread."""
        signal.signal(signal.SIGALRM, self._on_timer)
        signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)

    def end(self) -> None:
        """No more looks."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _on_timer(self, _number: int, _frame: FrameType | None) -> None:
        self.look()


WATCH = PluginWatch()
"""The watch of this process: signals belong to a process, and so does the thread that delivers."""
