"""A limit on the memory of one process, so that whatever eats memory in it fails there and not on the whole machine."""

from __future__ import annotations

import resource
import sys

_MIB = 1024 * 1024


def limit_memory(mib: int) -> None:
    """Let this process have at most so much memory of its own; 0 = no limit. Does nothing outside Linux.

    Beyond it an allocation fails with ``MemoryError``: inside a plugin that is the plugin's error, elsewhere the
    process ends and is started again. Shared libraries and mapped files do not count (``RLIMIT_DATA``, getrlimit(2)).
    """
    if not mib or sys.platform != "linux":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = mib * _MIB if hard == resource.RLIM_INFINITY else min(mib * _MIB, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
