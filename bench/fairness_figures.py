"""What one dead receiver costs the others."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import closing

import orjson

from app.core.errors import TemporaryError
from bench import stack
from bench.arrivals import arrivals
from bench.crowd import PLACE, crowd_beside_places
from bench.figures import Figure
from bench.latency_figures import post_steadily
from bench.run import Bench, wait, working
from bench.web import serving

WEBHOOKS = 50
_RATE = 10
"""Events a second: five hundred deliveries."""
_EVENTS = 180
"""Longer than a request may take, so that the dead one has had its timeouts."""
_ARRIVE_S = 10.0
_MOST_COST = 20
"""Percent."""


def fairness(bench: Bench, runs: int) -> list[Figure]:
    """The wait of 49 healthy webhooks beside one whose receiver accepts connections and never answers."""
    costs: list[float] = []
    told = ""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1024)) as silent, arrivals() as (url, seen):
        healthy = [url] * (WEBHOOKS - 1)
        dead = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for run in range(runs):
            before = _p95(bench, healthy, seen, f"all-{run}")
            beside = _p95(bench, [*healthy, dead], seen, f"dead-{run}")
            costs.append(100 * (beside - before) / before)
            told = f"last run: p95 {before:.1f} ms without it, {beside:.1f} ms beside it"
    title = f"one dead receiver among {WEBHOOKS}: cost to the p95 of the others"
    return [Figure("fairness", bench.server.name, title, "%", tuple(costs), _MOST_COST, is_ceiling=True, remark=told)]


def _p95(bench: Bench, urls: Sequence[str], seen: Mapping[str, list[float]], run: str) -> float:
    """Milliseconds from the 200 to the receiver that 95 of 100 deliveries to healthy webhooks did not exceed."""
    with (
        working(bench, lambda settings: crowd_beside_places(settings, urls, 1)) as ours,
        serving(ours.store, ours.environ, ours.place.folder) as web,
    ):
        ours.ring()
        accepted = post_steadily(web, _bodies(run), _RATE)
        wait(lambda: _all_there(accepted, seen))
    waits = sorted(max(0.0, there - moment) for event, moment in accepted.items() for there in seen[event])
    return waits[int(len(waits) * 0.95)] * 1000


def _all_there(accepted: Mapping[str, float], seen: Mapping[str, list[float]]) -> bool:
    missing = sum(WEBHOOKS - 1 - len(seen.get(event, ())) for event in accepted)
    if missing and time.perf_counter() > max(accepted.values()) + _ARRIVE_S:
        raise TemporaryError(f"{missing} deliveries to healthy receivers did not arrive")
    return not missing


def _bodies(run: str) -> list[bytes]:
    raw = [event for body in stack.event_bodies([PLACE], _EVENTS) for event in orjson.loads(body)]
    return [orjson.dumps({**event, "id": f"lat-{run}-{event['id']}"}) for event in raw]
