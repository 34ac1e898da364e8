"""The ledger as a document, for the API and the command."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.store.engine import Store
from app.store.ledger import Ledger, read_ledger

_SUMS = ("matched", "delivered", "pending", "failed", "skipped", "parked", "duplicates_possible")


def ledger_document(store: Store, organization_id: str | None = None) -> dict[str, Any]:
    """The reconciled numbers of one organization or of all, read in one snapshot."""
    with store.read() as connection:
        if not store.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        return _document(read_ledger(connection, organization_id))


def _document(ledger: Ledger) -> dict[str, Any]:
    totals = {name: ledger.total(name) for name in _SUMS}
    return {
        "accepted": ledger.accepted,
        "owed": ledger.owed,
        **totals,
        "balanced": ledger.balanced,
        "webhooks": [{**asdict(one), "balanced": one.difference == 0} for one in ledger.webhooks],
    }
