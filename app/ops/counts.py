"""Counters of this web process for ``/metrics``."""

from __future__ import annotations

import threading
from collections import Counter


class Counts:
    """Thread-safe counters by name and label text, such as ``{method="GET",status="200"}``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, labels: str = "", amount: int = 1) -> None:
        """Raise a counter."""
        with self._lock:
            self._values[name, labels] += amount

    def lines(self) -> list[str]:
        """The Prometheus text exposition format, version 0.0.4."""
        with self._lock:
            found = sorted(self._values.items())
        lines: list[str] = []
        typed = ""
        for (name, labels), value in found:
            if name != typed:
                lines.append(f"# TYPE {name} counter")
                typed = name
            lines.append(f"{name}{labels} {value}")
        return lines
