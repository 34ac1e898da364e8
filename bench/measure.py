"""The whole measurement: every design on every database, in one go, so that the figures can be compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.databases import POSTGRES_VARIABLE, Server, postgres_at_hand, postgres_server, sqlite_server
from bench.machine import machine_facts
from bench.receiver import receiving
from bench.report import OURS, Row, Sample
from bench.run import Bench, run_naive, run_ours
from bench.steps import measure_steps

Say = Callable[[str], None]
"""Told what is going on, one line each."""

NAIVE = {"simple": "naive, 2 RQ SimpleWorkers", "fork": "naive, 2 RQ forking workers"}
_NAIVE_SHARE = {"simple": 40, "fork": 200}
"""A naive design gets one delivery in so many: its rate does not depend on the number, only our patience does."""
_FEWEST = 50

SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "sqlite": sqlite_server,
    "postgres": postgres_server,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Machine facts, a row per database and design, and microseconds per step when they were asked for."""

    machine: dict[str, Any]
    rows: tuple[Row, ...]
    steps: dict[str, dict[str, float]]


def measure(database: str, deliveries: int, runs: int, say: Say, *, profile: bool = False) -> Measured:
    """Measure. Designs take turns within a run, so that a busy minute of the machine hits all of them.

    Args:
        database: ``sqlite``, ``postgres``, or ``both``, which leaves PostgreSQL out where there is none.
        deliveries: the backlog of one run.
        runs: how many.
        say: hears about the progress.
        profile: also measure the steps of one delivering thread.

    Raises:
        ConfigurationError: PostgreSQL was asked for and there is none.
    """
    databases = _databases(database, say)
    rows: list[Row] = []
    steps: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="relaypoint-bench-") as folder, receiving(Path(folder)) as receiver:
        machine = machine_facts(receiver.name)
        if receiver.name != "nginx":
            say("nginx was not found; the receiver is granian, which is slower: install nginx for comparable figures")
        for name in databases:
            with SERVERS[name]() as server:
                bench = Bench(server, receiver)
                rows += _rows(bench, name, deliveries, runs, say)
                if profile:
                    steps[name] = measure_steps(server, receiver, deliveries)
    return Measured(machine, tuple(rows), steps)


def _databases(wanted: str, say: Say) -> tuple[str, ...]:
    if wanted != "both":
        return (wanted,)
    if postgres_at_hand():
        return ("sqlite", "postgres")
    say(f"no PostgreSQL here: set {POSTGRES_VARIABLE} to a server's URL to measure it too")
    return ("sqlite",)


def _rows(bench: Bench, database: str, deliveries: int, runs: int, say: Say) -> Iterator[Row]:
    samples: dict[str, list[Sample]] = {}
    for run in range(1, runs + 1):
        for design, sample in _one_round(bench, deliveries):
            samples.setdefault(design, []).append(sample)
            say(f"{database}, run {run} of {runs}: {design}: {sample.rate:,.0f}/s")
    return (Row(database, design, tuple(found)) for design, found in samples.items())


def _one_round(bench: Bench, deliveries: int) -> Iterator[tuple[str, Sample]]:
    yield OURS, run_ours(bench, deliveries)
    for kind, design in NAIVE.items():
        yield design, run_naive(bench, kind, max(_FEWEST, deliveries // _NAIVE_SHARE[kind]))
