"""The drain of a backlog to one fast receiver, beside the naive designs and the floor, all in the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bench import stack
from bench.figures import Figure
from bench.loader import post_all
from bench.report import OURS, Row, Sample
from bench.run import DRAMATIQ, Bench, run_naive, run_ours

Say = Callable[[str], None]
"""Told what is going on, one line each."""

NAIVE = {"simple": "naive, 2 RQ SimpleWorkers", "fork": "naive, 2 RQ forking workers"}
DRAMATIQ_DESIGN = "naive, 2 Dramatiq workers"
FLOOR = "floor: a bare libcurl multi loop"
_NAIVE_SHARE = {"simple": 40, "fork": 200, DRAMATIQ: 40}
"""A naive design gets one delivery in so many: its rate does not depend on the number, only our patience does."""
_FEWEST = 50
_CONNECTIONS = 512
"""What two workers have on the wire for eight webhooks."""
_TARGETS = {"sqlite": (12_000, 35, 250, 35), "postgres": (8_000, 25, None, 25)}
"""Deliveries per second, times the best naive design on RQ, times the forking one, percent of the floor."""
_TIMES_DRAMATIQ = {"sqlite": 25, "postgres": None}
_FLOOR_HEADERS = (
    "content-type: application/json",
    "x-team: audit",
    "webhook-id: dlv_aaaaaaaaaaaaaaaa_zzz",
    "webhook-timestamp: 1790000000",
    "webhook-signature: v1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
)


def drain_rows(bench: Bench, deliveries: int, runs: int, say: Say) -> list[Row]:
    """Every design, in turns within a run, so that a busy minute of the machine hits all of them."""
    samples: dict[str, list[Sample]] = {}
    for run in range(1, runs + 1):
        for design, measure in _designs(bench, deliveries).items():
            sample = measure()
            samples.setdefault(design, []).append(sample)
            say(f"{bench.server.name}, run {run} of {runs}: {design}: {sample.rate:,.0f}/s")
    return [Row(bench.server.name, design, tuple(found)) for design, found in samples.items()]


def _designs(bench: Bench, deliveries: int) -> dict[str, Callable[[], Sample]]:
    designs: dict[str, Callable[[], Sample]] = {
        OURS: lambda: run_ours(bench, deliveries),
        FLOOR: lambda: _run_floor(bench, deliveries),
    }
    for kind, design in (*NAIVE.items(), (DRAMATIQ, DRAMATIQ_DESIGN)):
        number = max(_FEWEST, deliveries // _NAIVE_SHARE[kind])
        designs[design] = partial(run_naive, bench, kind, number)
    return designs


def _run_floor(bench: Bench, deliveries: int) -> Sample:
    bodies = stack.raw_bodies(deliveries)
    posted = post_all(bench.receiver.url, bodies, headers=_FLOOR_HEADERS, connections=_CONNECTIONS)
    return Sample(deliveries, posted.seconds)


def drain_figures(rows: Sequence[Row]) -> list[Figure]:
    """What the rows of one database say about its targets."""
    of = {row.design: row for row in rows}
    ours = of[OURS]
    rate, best, forking, floor = _TARGETS[ours.database]
    better = max((of[design] for design in NAIVE.values()), key=lambda row: row.rate)
    rates = tuple(sample.rate for sample in ours.samples)

    def against(name: str, title: str, unit: str, row: Row, target: float | None, factor: float = 1) -> Figure:
        share = factor * ours.rate / row.rate
        return Figure(name, ours.database, title, unit, (share,), target, remark="of the medians")

    figures = [
        Figure("drain", ours.database, "drain of a backlog to one fast receiver", "/s", rates, rate),
        against("drain-best-naive", f"drain against {better.design}", "x", better, best),
        against("drain-forking", f"drain against {NAIVE['fork']}", "x", of[NAIVE["fork"]], forking),
        against("drain-floor", "drain, share of the floor", "%", of[FLOOR], floor, 100),
    ]
    if DRAMATIQ_DESIGN in of:
        dramatiq = of[DRAMATIQ_DESIGN]
        target = _TIMES_DRAMATIQ[ours.database]
        figures.append(against("drain-dramatiq", f"drain against {dramatiq.design}", "x", dramatiq, target))
    return figures
