"""The whole measurement: every figure on every database, in one go, so that the figures can be compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.console_figures import console
from bench.crowd_figures import backlog_scale, many_hosts, slow_receivers, webhook_scale
from bench.databases import POSTGRES_VARIABLE, Server, postgres_at_hand, postgres_server, sqlite_server
from bench.drain_figures import Say, drain_figures, drain_rows
from bench.fairness_figures import fairness
from bench.figures import Figure, shown
from bench.ingest_figures import end_to_end, ingest
from bench.latency_figures import latency
from bench.machine import machine_facts
from bench.matching_figures import matching
from bench.receiver import NGINX, receiving
from bench.report import Row
from bench.run import Bench
from bench.steps import measure_steps

DRAIN = "drain"
SCENARIOS: dict[str, Callable[[Bench, int], list[Figure]]] = {
    "ingest": ingest,
    "end-to-end": end_to_end,
    "latency": latency,
    "fairness": fairness,
    "matching": matching,
    "slow-receivers": slow_receivers,
    "many-hosts": many_hosts,
    "webhook-scale": webhook_scale,
    "backlog-scale": backlog_scale,
    "console": console,
}
"""What is measured beside the drain, by the name that ``--only`` takes."""
ONCE = frozenset({"console", "fairness", "many-hosts", "webhook-scale", "backlog-scale"})
"""Measured in one run: they compare rates among themselves, and filling their tables takes long."""
NAMES = (DRAIN, *SCENARIOS)

SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "sqlite": sqlite_server,
    "postgres": postgres_server,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Machine facts, figures, a row per database and design of the drain, and microseconds per step if asked for."""

    machine: dict[str, Any]
    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]
    steps: dict[str, dict[str, float]]


def measure(
    database: str, deliveries: int, runs: int, say: Say, *, only: Collection[str] = NAMES, profile: bool = False
) -> Measured:
    """Measure.

    Args:
        database: ``sqlite``, ``postgres``, or ``both``, which leaves PostgreSQL out where there is none.
        deliveries: the backlog of one run of the drain.
        runs: how many.
        say: hears about the progress.
        only: which of :data:`NAMES`.
        profile: also measure the steps of one delivering thread.

    Raises:
        ConfigurationError: PostgreSQL was asked for and there is none.
    """
    figures: list[Figure] = []
    rows: list[Row] = []
    steps: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="relaypoint-bench-") as folder, receiving(Path(folder)) as receiver:
        machine = machine_facts(receiver.name)
        if receiver.name != NGINX:
            say("nginx was not found; the receiver is granian, which is slower: install nginx for comparable figures")
        for name in _databases(database, say):
            with SERVERS[name]() as server:
                bench = Bench(server, receiver)
                if DRAIN in only:
                    rows += drain_rows(bench, deliveries, runs, say)
                    figures += drain_figures([row for row in rows if row.database == name])
                figures += _others(bench, runs, only, say)
                if profile:
                    steps[name] = measure_steps(server, receiver, deliveries)
    return Measured(machine, tuple(figures), tuple(rows), steps)


def _others(bench: Bench, runs: int, only: Collection[str], say: Say) -> Iterator[Figure]:
    for name, scenario in SCENARIOS.items():
        if name in only:
            for figure in scenario(bench, 1 if name in ONCE else runs):
                say(f"{bench.server.name}: {figure.title}: {shown(figure.value)} {figure.unit}")
                yield figure


def _databases(wanted: str, say: Say) -> tuple[str, ...]:
    if wanted != "both":
        return (wanted,)
    if postgres_at_hand():
        return ("sqlite", "postgres")
    say(f"no PostgreSQL here: set {POSTGRES_VARIABLE} to a server's URL to measure it too")
    return ("sqlite",)
