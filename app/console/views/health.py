"""The health of the installation: every part, and the ledger. No tenant is named."""

from __future__ import annotations

from typing import Any

from flask import request

from app.checkup import examine
from app.console.health_pictures import STATES, ledger_picture
from app.console.pages import At, PageTable, Visit, render
from app.console.words import FINDING
from app.security.permissions import Permission
from app.services import Services
from app.store.ledger import read_ledger


def health_pages(services: Services) -> PageTable:
    """What whoever runs the installation looks at first."""
    table = PageTable()

    @table.get("ops/health", needs=Permission.PLATFORM_READ, at=At.ROOT)
    def health(visit: Visit) -> Any:
        found = examine(services.settings, store=services.store, sinks=services.sinks, clock=services.clock)
        return render(
            "ops_health.html",
            visit,
            findings=[(one, FINDING[one.state]) for one in found],
            ledger=_ledger(services),
        )

    return table


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
