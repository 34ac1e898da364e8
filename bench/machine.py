"""Facts about the machine that a figure means nothing without."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from typing import Any

import pycurl


def machine_facts(receiver: str) -> dict[str, Any]:
    """Processors, load before the run, versions of what does the work."""
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libcurl": pycurl.version_info()[1],
        "rq": version("rq"),
        "requests": version("requests"),
        "receiver": receiver,
    }
