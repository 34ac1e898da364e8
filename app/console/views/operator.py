"""Pages of the operator: plugins and the address policy. They tell nothing of any tenant."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from app.console.pages import At, PageTable, Visit, render
from app.core.egress_table import REFUSED_IPV4, REFUSED_IPV6
from app.ops.fingerprint import fingerprint
from app.security.permissions import Permission
from app.services import Services
from app.store.plugin_faults import recent_faults
from app.store.refusals import stopped_by_rule

_NEEDS = Permission.PLATFORM_READ


def operator_pages(services: Services) -> PageTable:
    """What whoever runs the installation looks at."""
    table = PageTable()

    @table.get("ops/plugins", needs=_NEEDS, at=At.ROOT)
    def plugins(visit: Visit) -> Any:
        manager = services.sinks
        with services.store.read() as connection:
            faults = recent_faults(connection, services.clock())
        return render(
            "ops_plugins.html",
            visit,
            plugins=[(one, fingerprint(one.distribution)) for one in manager.plugins()],
            failed=manager.failed_plugins,
            blocked=manager.blocked_plugins,
            faults=faults,
            utc=ZoneInfo("UTC"),
        )

    @table.get("ops/egress", needs=_NEEDS, at=At.ROOT)
    def egress(visit: Visit) -> Any:
        settings = services.settings
        with services.store.read() as connection:
            stopped = stopped_by_rule(connection, services.clock())
        return render(
            "ops_egress.html",
            visit,
            stopped=stopped,
            utc=ZoneInfo("UTC"),
            allowed=settings.egress_allow,
            allow_http=settings.egress_allow_http,
            refused=(*REFUSED_IPV4, *REFUSED_IPV6),
        )

    return table
