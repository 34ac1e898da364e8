"""What routing costs per event: with few and many webhooks and organizations, with filters and change windows.

Processor time of this thread around the calls that the ingest makes inside its transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from statistics import median
from typing import TypeVar

import orjson

from app.core.clock import Micros, system_clock
from app.core.event import CanonicalEvent
from app.core.windows.decision import NO_WINDOW
from app.routing.match import RoutedEvent
from app.routing.owing import owed_by
from app.routing.policies import judge, read_policy
from app.routing.routing_table import OrganizationRoutes, Router
from app.store.routes import Route, read_routes
from bench.figures import Figure
from bench.matching_places import PLACE, Places, crowd_of, places, some_events
from bench.run import Bench

CROWDS = (1, 5, 100, 10_000)
"""Webhooks of one organization."""
MATCHING = 5
ORGANIZATIONS = 10_000
WINDOWS = 10
_CONTEXTS = 100
_EVENTS = 20_000
_JUDGED = 2_000
_MOST = 3
"""A crowd of webhooks that do not match may make an event this many times as dear."""
_FILTER = {"tags": ["trusted_ca", "ip_allowlist", "identity_store"], "sensitivity": [{"numeric": [">=", 4]}]}
_FILTERS = 21

T = TypeVar("T")
Target = tuple[str, str | None, str]
"""Organization, context and type of one event."""


def matching(bench: Bench, runs: int) -> list[Figure]:
    """The figures of one database."""
    name = bench.server.name
    with places(bench.server) as found:
        _fill(found)
        known = [{size: _known(found, [_of(size)]) for size in CROWDS} for _ in range(runs)]
        new = [{size: _new(found, size) for size in CROWDS} for _ in range(runs)]
        spread = [_known(found, [f"org-{number}" for number in range(ORGANIZATIONS)]) for _ in range(runs)]
        reading = [_reading_ms(found, CROWDS[-1]) for _ in range(runs)]
        events = some_events(_JUDGED)
        filters = [_filters(found, events) for _ in range(runs)]
        windows = [_windows(found, events) for _ in range(runs)]
    many = f"{CROWDS[-1]:,} webhooks of which {MATCHING} match"
    shares = tuple(each / run[1] for each, run in zip(spread, known, strict=True))
    told = f"µs per event: {median(spread):.1f}, one organization {median(run[1] for run in known):.1f}"
    return [
        _scale(name, "match-scale", f"{many}, times the cost of the {MATCHING}", known),
        _scale(name, "match-scale-new", "the same for an event of a new context", new),
        Figure(
            "match-organizations",
            name,
            f"{ORGANIZATIONS:,} organizations, times the cost of one",
            "x",
            shares,
            _MOST,
            is_ceiling=True,
            remark=told,
        ),
        Figure("match-reading", name, f"reading {CROWDS[-1]:,} webhooks after a change", "ms", tuple(reading)),
        _cost(name, "filter-cost", "a filter, per event", filters, "the first filter, for which the event is parsed"),
        _cost(name, "window-cost", f"{WINDOWS} change windows, per event", windows, "an event of another minute"),
    ]


def _scale(database: str, name: str, title: str, runs: list[dict[int, float]]) -> Figure:
    shares = tuple(run[CROWDS[-1]] / run[MATCHING] for run in runs)
    costs = ", ".join(f"{size:,}: {median(run[size] for run in runs):.1f}" for size in CROWDS)
    remark = f"µs per event by webhooks: {costs}"
    return Figure(name, database, title, "x", shares, _MOST, is_ceiling=True, remark=remark)


def _cost(database: str, name: str, title: str, runs: list[tuple[float, float]], first: str) -> Figure:
    """What something costs by the event once it was asked, and beside it what it cost the first time."""
    remark = f"{first}: {median(once for _, once in runs):.1f} µs"
    return Figure(name, database, title, "µs", tuple(each for each, _ in runs), remark=remark)


def _of(size: int) -> str:
    return f"crowd-{size}"


def _fill(found: Places) -> None:
    many = [f"org-{number}" for number in range(ORGANIZATIONS)]
    found.add_organizations([*many, *(_of(size) for size in CROWDS), "filters"])
    for size in CROWDS:
        found.add_webhooks(crowd_of(_of(size), size, MATCHING))
    found.add_webhooks([{"organization_id": organization} for organization in many])
    pattern = orjson.dumps(_FILTER).decode()
    found.add_webhooks([{"organization_id": "filters", "filter": pattern}] * _FILTERS)
    found.add_windows(PLACE, WINDOWS)


def _known(found: Places, organizations: list[str]) -> float:
    """Microseconds to match an event of a place that had events before."""
    event = RoutedEvent(b"", "admin", NO_WINDOW)
    now = system_clock()
    targets = _targets(organizations)
    with found.store.read() as connection:
        table = Router().table(connection)

        def match(target: Target) -> None:
            owed_by(event, table.matching(*target), now)

        for target in set(targets):
            match(target)
        return _microseconds(match, targets)


def _targets(organizations: list[str]) -> list[Target]:
    kind = "entrypoint.configuration.audit"
    contexts = range(_CONTEXTS if len(organizations) == 1 else 1)
    every = [(organization, f"ctx-{number}", kind) for organization in organizations for number in contexts]
    return list(islice(cycle(every), _EVENTS))


def _new(found: Places, size: int) -> float:
    """Microseconds to match an event of a place that had none before."""
    event = RoutedEvent(b"", "admin", NO_WINDOW)
    now = system_clock()
    with found.store.read() as connection:
        routes = OrganizationRoutes(read_routes(connection, _of(size)))

    def match(target: Target) -> None:
        owed_by(event, routes.matching(target[1], target[2]), now)

    return _microseconds(match, _targets([_of(size)]))


def _reading_ms(found: Places, size: int) -> float:
    with found.store.read() as connection:
        return _microseconds(lambda place: OrganizationRoutes(read_routes(connection, place)), [_of(size)]) / 1000


def _filters(found: Places, events: list[CanonicalEvent]) -> tuple[float, float]:
    """Microseconds for each further filter that looks at an event, and for the first."""
    now = system_clock()
    bodies = [event.to_json(received_at=now) for event in events]
    with found.store.read() as connection:
        routes = read_routes(connection, "filters")
    one, all_of_them = (_filtered(bodies, routes[:number], now) for number in (1, _FILTERS))
    return (all_of_them - one) / (_FILTERS - 1), one


def _filtered(bodies: list[bytes], routes: list[Route], now: Micros) -> float:
    return _microseconds(lambda body: owed_by(RoutedEvent(body, "admin", NO_WINDOW), routes, now), bodies)


def _windows(found: Places, events: list[CanonicalEvent]) -> tuple[float, float]:
    """Microseconds to judge an event of a minute that the windows know, and of one they do not."""
    policy = read_policy(found.store, PLACE)
    now = system_clock()
    new = _microseconds(lambda event: judge(event, policy, now), events)
    return _microseconds(lambda event: judge(event, policy, now), events), new


def _microseconds(work: Callable[[T], object], items: Iterable[T]) -> float:
    """Processor time per item."""
    listed = list(items)
    began = time.thread_time()
    for item in listed:
        work(item)
    return (time.thread_time() - began) * 1e6 / len(listed)
