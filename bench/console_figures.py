"""How long the console's pages take with a long history behind them."""

from __future__ import annotations

import http.client
import secrets
import time
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from sqlalchemy import select

from app.core.clock import system_clock
from app.core.ids import delivery_id
from app.security.front_door import Caller, FrontDoor
from app.security.passwords import Passwords
from app.store import Store
from app.store.tables import deliveries, events, webhooks
from bench import stack
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
_COOKIE = "relaypoint-http"
_OK = 200


def console(bench: Bench, _runs: int) -> list[Figure]:
    """Time to the whole page with 1,000,000 deliveries stored, page by page, for one visitor."""
    urls = [bench.receiver.url] * WEBHOOKS
    with working(bench, lambda settings: crowd_beside_places(settings, urls, EVENTS)) as ours:
        ours.ring()
        wait(lambda: stack.nothing_is_open(ours.store))
        with serving(ours.store, ours.environ, ours.place.folder) as web:
            cookie = f"{_COOKIE}={_signed_in(ours.store)}"
            place = urlsplit(web.url)
            connection = http.client.HTTPConnection(place.hostname or "", place.port)
            figures = [
                _figure(bench, name, _waits(connection, path, cookie)) for name, path in _pages(ours.store).items()
            ]
            connection.close()
    return figures


def _figure(bench: Bench, name: str, waits_ms: Iterable[float]) -> Figure:
    ordered = sorted(waits_ms)
    half, slowest = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    title = f"console, {EVENTS * WEBHOOKS:,} deliveries, {name}: p95"
    remark = f"p50 {half:.0f} ms"
    return Figure(
        f"console-{name}", bench.server.name, title, "ms", (slowest,), _SLOWEST_MS, is_ceiling=True, remark=remark
    )


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
        "history": f"{hook}/deliveries",
        "history-middle": f"{hook}/deliveries?before={EVENTS // 2}",
        "history-failed": f"{hook}/deliveries?state=failed",
        "history-5xx": f"{hook}/deliveries?code=5xx",
        "history-search": f"{hook}/deliveries?q=nothing+of+this+kind",
        "delivery": f"{hook}/deliveries/{delivery_id(newest.id, newest.event_seq)}",
        "deliveries": f"{home}/deliveries",
        "deliveries-search": f"{home}/deliveries?q=nothing+of+this+kind",
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
