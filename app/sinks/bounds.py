"""Bounds on somebody else's code: how long it may run in the main thread, and how much memory it may take meanwhile.

The kernel's timer interrupts whatever runs there: a loop, a sleep, a wait for a socket or a lock, a regular expression.
Only a library that neither returns nor looks for signals is out of its reach.
"""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

AGAIN_S = 1.0
"""How soon code that caught the interruption is interrupted again."""

PLUGIN_RAISES = (Exception, SystemExit)
"""What a plugin may raise without ending anything but itself; a stray ``sys.exit()`` in a module counts, too."""


class PluginHungError(TimeoutError):
    """A plugin did not come to an end in time. The message is ours and holds no secret."""


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Interrupts the body after so many seconds. Other threads than the main one cannot be interrupted: no bound there.

    A timer that runs already goes on afterwards with what was left of it.

    Raises:
        PluginHungError: the body did not end in time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise PluginHungError(f"it did not come to an end within {seconds:g} s")

    former = signal.signal(signal.SIGALRM, interrupt)
    left_s, interval_s = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    began = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if left_s:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left_s - (time.monotonic() - began)), interval_s)


@contextmanager
def takes_at_most(size: int) -> Iterator[None]:
    """Lets the process grow by so many bytes while the body runs; beyond it an allocation raises ``MemoryError``.

    Where the kernel does not tell the present size (outside Linux) there is no bound.
    """
    now = _data_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    if now is None:
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (min([now + size, *limits]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """What ``RLIMIT_DATA`` counts of this process (proc(5), statm, the sixth number)."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[5])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize()
