"""How long an event takes from the sender's answer to the receiver, when there is little to do."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import orjson

from app.core.errors import TemporaryError
from bench import stack
from bench.arrivals import arrivals
from bench.figures import Figure
from bench.run import Bench, working
from bench.web import Web, serving, single_bodies

RATE = 50
_EVENTS = 500
_ARRIVE_S = 10.0


def latency(bench: Bench, runs: int) -> list[Figure]:
    """From the moment an event's 200 is read to the moment its request is there, at 50 events a second."""
    halves: list[float] = []
    slowest: list[float] = []
    with arrivals() as (url, seen):
        for run in range(runs):
            with (
                working(bench, lambda settings: stack.backlog(settings, url, 0)) as ours,
                serving(ours.store, ours.environ, ours.place.folder) as web,
            ):
                time.sleep(1.0)
                waits = sorted(_waits(web, seen, run))
            halves.append(waits[len(waits) // 2])
            slowest.append(waits[int(len(waits) * 0.99)])
    name = bench.server.name
    title = f"from the 200 to the receiver at {RATE} events/s"
    return [
        Figure("latency-p50", name, f"{title}: p50", "ms", tuple(halves), 3, is_ceiling=True),
        Figure("latency-p99", name, f"{title}: p99", "ms", tuple(slowest), 15, is_ceiling=True),
    ]


def _waits(web: Web, seen: Mapping[str, list[float]], run: int) -> list[float]:
    accepted = post_steadily(web, single_bodies(_EVENTS, f"lat-{run}"), RATE)
    deadline = time.monotonic() + _ARRIVE_S
    while not accepted.keys() <= seen.keys():
        if time.monotonic() > deadline:
            raise TemporaryError(f"{len(accepted.keys() - seen.keys())} events did not arrive")
        time.sleep(0.05)
    # One that was there before its answer was read took no time.
    return [max(0.0, seen[event][0] - moment) * 1000 for event, moment in accepted.items()]


def post_steadily(web: Web, bodies: Sequence[bytes], rate: float) -> dict[str, float]:
    """Post single events at a steady pace; answers when each event's 200 was read (``time.perf_counter``)."""
    accepted: dict[str, float] = {}
    place = urlsplit(web.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    headers = dict(line.split(": ", 1) for line in web.headers)
    began = time.perf_counter()
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        connection.request("POST", place.path, body, headers)
        answer = orjson.loads(connection.getresponse().read())
        accepted[answer["ids"][0]] = time.perf_counter()
    connection.close()
    return accepted
