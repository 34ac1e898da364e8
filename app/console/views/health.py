"""The health of the installation: every part, what waits, who works, and the ledger. No tenant is named."""

from __future__ import annotations

from typing import Any

from flask import request
from redis.exceptions import RedisError

from app.checkup import examine
from app.console.drawing import Picture
from app.console.health_pictures import STATES, ledger_picture, waiting_picture, worker_picture
from app.console.pages import At, PageTable, Visit, render
from app.console.words import FINDING
from app.queue.heartbeats import read_heartbeats
from app.security.permissions import Permission
from app.services import Services
from app.store.due import waiting_since
from app.store.ledger import read_ledger


def health_pages(services: Services) -> PageTable:
    """What whoever runs the installation looks at first."""
    table = PageTable()

    @table.get("ops/health", needs=Permission.PLATFORM_READ, at=At.ROOT)
    def health(visit: Visit) -> Any:
        found = examine(services.settings, store=services.store, sinks=services.sinks)
        return render(
            "ops_health.html",
            visit,
            findings=[(one, FINDING[one.state]) for one in found],
            waiting=_waiting(services),
            workers=_workers(services),
            ledger=_ledger(services),
        )

    return table


def _waiting(services: Services) -> Picture:
    now = services.clock()
    with services.store.read() as connection:
        return waiting_picture(waiting_since(connection, now), now)


def _workers(services: Services) -> Picture | None:
    """None when nobody can say: why, is among the findings."""
    if services.settings.redis_url is None:
        return None
    try:
        heard = read_heartbeats(services.settings.redis_url)
    except (RedisError, OSError):
        return None
    return worker_picture(heard, services.clock()) if heard else None


def _ledger(services: Services) -> dict[str, Any] | None:
    """The sums of the whole ledger when they are asked for: they take the longer the more history there is."""
    if request.args.get("ledger") != "1":
        return None
    with services.store.snapshot() as connection:
        ledger = read_ledger(connection)
    return {
        "accepted": ledger.accepted,
        "balanced": ledger.balanced,
        "matched": ledger.total("matched"),
        "duplicates": ledger.total("duplicates_possible"),
        "sums": [(tone, title, ledger.total(column)) for tone, title, column in STATES],
        "picture": ledger_picture(ledger),
    }
