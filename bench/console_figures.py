"""How long the console's pages take with a long history behind them."""

from __future__ import annotations

import http.client
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from sqlalchemy import select

from app.core.clock import system_clock
from app.core.ids import delivery_id
from app.security.front_door import Caller, FrontDoor
from app.security.passwords import Passwords
from app.store import Store
from app.store.tables import deliveries, events, webhooks
from bench import stack
from bench.console_plans import COOKIE, queries_of
from bench.crowd import PLACE, crowd_beside_places
from bench.figures import Figure
from bench.run import Bench, wait, working
from bench.web import serving

EVENTS = 200_000
WEBHOOKS = 5
_ASKED = 40
_FIRST = 3
"""Requests of each page that are not counted: they fill caches that every visitor after the first finds full."""
_SLOWEST_MS = 150
_OK = 200
_HALF, _MOST = 0.5, 0.95
_EXPLAINED = 3


def console(bench: Bench, _runs: int) -> list[Figure]:
    """Time to the whole page with 1,000,000 deliveries stored, page by page, for one visitor.

    The pages that take longest also tell what they ask of the database, and the plan of their heaviest query.
    """
    urls = [bench.receiver.url] * WEBHOOKS
    with working(bench, lambda settings: crowd_beside_places(settings, urls, EVENTS)) as ours:
        ours.ring()
        wait(lambda: stack.nothing_is_open(ours.store))
        session, pages = _signed_in(ours.store), _pages(ours.store)
        with serving(ours.store, ours.environ, ours.place.folder) as web:
            place = urlsplit(web.url)
            connection = http.client.HTTPConnection(place.hostname or "", place.port)
            cookie = f"{COOKIE}={session}"
            waits = {name: sorted(_waits(connection, path, cookie)) for name, path in pages.items()}
            connection.close()
        heaviest = sorted(pages, key=lambda name: -_share(waits[name], _HALF))[:_EXPLAINED]
        plans = queries_of(ours.settings, [pages[name] for name in heaviest], session)
        return [_figure(bench, name, waits[name], dict(zip(heaviest, plans, strict=True))) for name in pages]


def _figure(bench: Bench, name: str, waits_ms: Sequence[float], plans: Mapping[str, str]) -> Figure:
    title = f"console, {EVENTS * WEBHOOKS:,} deliveries, {name}: p95"
    told = [f"p50 {_share(waits_ms, _HALF):.0f} ms", *([plans[name]] if name in plans else [])]
    slowest = (_share(waits_ms, _MOST),)
    return Figure(
        f"console-{name}", bench.server.name, title, "ms", slowest, _SLOWEST_MS, is_ceiling=True, remark="; ".join(told)
    )


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[int(len(ordered) * share)]


def _signed_in(store: Store) -> str:
    people = FrontDoor(store, Passwords(), clock=system_clock, random_bytes=secrets.token_bytes)
    token = people.setup_link() or ""
    password = secrets.token_urlsafe(24)
    return people.set_up(token, email="bench@example.com", name="Bench", password=password, caller=Caller("", "bench"))


def _pages(store: Store) -> dict[str, str]:
    """Every kind of page that looks at history, by name."""
    with store.read() as connection:
        newest = connection.execute(
            select(webhooks.c.id, deliveries.c.event_seq, events.c.id.label("event"))
            .join(deliveries, deliveries.c.webhook_pk == webhooks.c.pk)
            .join(events, events.c.seq == deliveries.c.event_seq)
            .order_by(deliveries.c.webhook_pk, deliveries.c.event_seq.desc())
            .limit(1)
        ).one()
    home, hook = f"/o/{PLACE}", f"/o/{PLACE}/webhooks/{newest.id}"
    return {
        "overview": home,
        "contexts": f"{home}/contexts",
        "webhooks": f"{home}/webhooks",
        "webhook": hook,
        "webhook-week": f"{hook}?span=7d",
        "history": f"{hook}/deliveries",
        "history-middle": f"{hook}/deliveries?before={EVENTS // 2}",
        "history-failed": f"{hook}/deliveries?state=failed",
        "history-5xx": f"{hook}/deliveries?code=5xx",
        "history-search": f"{hook}/deliveries?q=nothing+of+this+kind",
        "history-no-type": f"{hook}/deliveries?event_type=nothing.of.this.kind",
        "delivery": f"{hook}/deliveries/{delivery_id(newest.id, newest.event_seq)}",
        "deliveries": f"{home}/deliveries",
        "deliveries-search": f"{home}/deliveries?q=nothing+of+this+kind",
        "deliveries-no-type": f"{home}/deliveries?event_type=nothing.of.this.kind",
        "audit": f"{home}/audit",
        "audit-filtered": f"{home}/audit?action=delete&sensitivity_min=4",
        "audit-search": f"{home}/audit?q=nothing+of+this+kind",
        "event": f"{home}/audit/{newest.event}",
        "windows": f"{home}/change-windows",
        "members": f"{home}/members",
    }


def _waits(connection: http.client.HTTPConnection, path: str, cookie: str) -> Iterator[float]:
    for number in range(_FIRST + _ASKED):
        began = time.perf_counter()
        connection.request("GET", path, headers={"cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status != _OK:
            raise RuntimeError(f"{path} answered {answer.status}")
        if number >= _FIRST:
            yield (time.perf_counter() - began) * 1000
