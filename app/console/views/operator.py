"""Pages of the operator: health, plugins and the address policy. They tell nothing of any tenant but counts."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from app.checkup import examine
from app.console.pages import At, PageTable, Visit, render
from app.console.words import FINDING
from app.core.egress_table import REFUSED_IPV4, REFUSED_IPV6
from app.security.permissions import Permission
from app.services import Services
from app.store.ledger import read_ledger
from app.store.plugin_faults import recent_faults

_NEEDS = Permission.PLATFORM_READ
COLUMNS = (
    ("matched", "Matched"),
    ("delivered", "Delivered"),
    ("confirming", "Waiting for a confirmation"),
    ("pending", "Pending"),
    ("failed", "Failed"),
    ("skipped", "Skipped"),
    ("parked", "Parked"),
    ("duplicates_possible", "Possible duplicates"),
)
"""Columns of the ledger, and what they are called."""


def operator_pages(services: Services) -> PageTable:
    """What whoever runs the installation looks at."""
    table = PageTable()

    @table.get("ops/health", needs=_NEEDS, at=At.ROOT)
    def health(visit: Visit) -> Any:
        found = examine(services.settings, store=services.store, sinks=services.sinks)
        findings = [(one, FINDING[one.state]) for one in found]
        return render("ops_health.html", visit, findings=findings, ledger=_ledger(services))

    @table.get("ops/plugins", needs=_NEEDS, at=At.ROOT)
    def plugins(visit: Visit) -> Any:
        manager = services.sinks
        with services.store.read() as connection:
            faults = recent_faults(connection, services.clock())
        return render(
            "ops_plugins.html",
            visit,
            plugins=manager.plugins(),
            failed=manager.failed_plugins,
            blocked=manager.blocked_plugins,
            faults=faults,
            utc=ZoneInfo("UTC"),
        )

    @table.get("ops/egress", needs=_NEEDS, at=At.ROOT)
    def egress(visit: Visit) -> Any:
        settings = services.settings
        return render(
            "ops_egress.html",
            visit,
            allowed=settings.egress_allow,
            allow_http=settings.egress_allow_http,
            refused=(*REFUSED_IPV4, *REFUSED_IPV6),
        )

    return table


def _ledger(services: Services) -> dict[str, Any] | None:
    """The sums of the whole ledger when they are asked for: they take the longer the more history there is."""
    if request.args.get("ledger") != "1":
        return None
    with services.store.snapshot() as connection:
        ledger = read_ledger(connection)
    sums = [(title, ledger.total(name)) for name, title in COLUMNS]
    return {"accepted": ledger.accepted, "balanced": ledger.balanced, "sums": sums}
