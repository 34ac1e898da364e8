"""Every table: those of each module join the metadata when it is imported."""

from __future__ import annotations

from app.store import (
    tables_audit,
    tables_limits,
    tables_people,
    tables_policies,
    tables_radius,
    tables_receipts,
    tables_replays,
    tables_sources,
    tables_traffic,
)
from app.store.tables import metadata

PARTS = (
    tables_audit,
    tables_limits,
    tables_people,
    tables_policies,
    tables_radius,
    tables_receipts,
    tables_replays,
    tables_sources,
    tables_traffic,
)

__all__ = ["PARTS", "metadata"]
