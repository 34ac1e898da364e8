"""Processes of a measurement: started, ended, and their processor time read from the kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

END_S = 30.0
_UTIME = 11
"""``/proc/PID/stat`` behind the command name: utime, stime, cutime, cstime stand at 11 to 14, the parent at 1."""


@contextmanager
def running(argv: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child for the length of a block; its output goes to ``log``. It is asked to end, and killed if it does not."""
    with log.open("ab") as output:
        child = subprocess.Popen(list(argv), env=dict(environ), stdout=output, stderr=output)  # noqa: S603 - our own commands
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def cpu_seconds(roots: Sequence[int]) -> float | None:
    """Processor time of these processes and all their descendants until now; None where the kernel does not tell."""
    if not Path("/proc/self/stat").exists():
        return None
    parents, ticks = _process_table()
    wanted = set(roots)
    grew = True
    while grew:
        found = {pid for pid, parent in parents.items() if parent in wanted}
        grew = not found <= wanted
        wanted |= found
    return sum(ticks.get(pid, 0) for pid in wanted) / os.sysconf("SC_CLK_TCK")


def _process_table() -> tuple[dict[int, int], dict[int, int]]:
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        parents[int(entry.name)] = int(words[1])
        ticks[int(entry.name)] = sum(int(word) for word in words[_UTIME : _UTIME + 4])
    return parents, ticks
