"""Ingest alone, and the whole way: accepted, delivered and recorded at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench import stack
from bench.figures import Figure
from bench.run import Bench, Stack, wait, working
from bench.web import Web, batch_bodies, serving, single_bodies

SINGLE_CONNECTIONS = 32
BATCH_CONNECTIONS = 8
BATCH = 100
_SINGLES = 10_000
_BATCHES = 400
_WHOLE_WAY = 10_000


@contextmanager
def _web(bench: Bench, workers: int) -> Iterator[tuple[Stack, Web]]:
    with (
        working(bench, lambda settings: stack.backlog(settings, bench.receiver.url, 0), workers) as ours,
        serving(ours.store, ours.environ, ours.place.folder) as web,
    ):
        yield ours, web


def ingest(bench: Bench, runs: int) -> list[Figure]:
    """Events accepted per second while nobody delivers."""
    rates: list[float] = []
    slowest: list[float] = []
    batched: list[float] = []
    with _web(bench, 0) as (_, web):
        for run in range(runs):
            posted = web.post(single_bodies(_SINGLES, f"s{run}"), SINGLE_CONNECTIONS)
            rates.append(posted.rate)
            slowest.append(posted.wait_ms(0.99))
            batched.append(web.post(batch_bodies(_BATCHES, BATCH, f"b{run}"), BATCH_CONNECTIONS).rate * BATCH)
    of_sqlite = bench.server.name == "sqlite"
    name = bench.server.name
    return [
        Figure(
            "ingest-single", name, "ingest, one event per POST", "events/s", tuple(rates), 2_500 if of_sqlite else None
        ),
        Figure(
            "ingest-single-p99",
            name,
            f"ingest, one event per POST, {SINGLE_CONNECTIONS} connections: p99",
            "ms",
            tuple(slowest),
            50 if of_sqlite else None,
            is_ceiling=True,
        ),
        Figure(
            "ingest-batch",
            name,
            f"ingest, {BATCH} events per POST",
            "events/s",
            tuple(batched),
            30_000 if of_sqlite else None,
        ),
    ]


def end_to_end(bench: Bench, runs: int) -> list[Figure]:
    """Single-event POSTs, all of them delivered and recorded, per second of the whole."""
    rates: list[float] = []
    for run in range(runs):
        with _web(bench, 2) as (ours, web):
            done = partial(stack.nothing_is_open, ours.store)
            wait(done)
            bodies = single_bodies(_WHOLE_WAY, f"e{run}")
            began = time.time()
            web.post(bodies, SINGLE_CONNECTIONS)
            rates.append(len(bodies) / (wait(done) - began))
    target = 1_500 if bench.server.name == "sqlite" else 1_000
    title = "end to end, one event per POST: accepted, delivered, recorded"
    return [Figure("end-to-end", bench.server.name, title, "events/s", tuple(rates), target)]
