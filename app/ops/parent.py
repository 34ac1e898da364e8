"""Ending with the parent: no child outlives a supervisor that was killed.

Also a tiny program: ``python -I -S parent.py PARENT_PID command …`` becomes that command, tied to its parent. It is run
by path, imports nothing of the project, and costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""``prctl(2)``: the signal the kernel sends to this process when the thread that created it ends."""


def die_with_parent(parent: int) -> None:
    """Have the kernel ask this process to end (SIGTERM) when its parent is gone. Does nothing outside Linux.

    The tie survives ``exec``. It hangs on the thread that created this process, so a supervisor creates its children
    in its main thread.

    Args:
        parent: process id of the parent, to notice one that died before the call.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming another program is this file's purpose
