"""The ledger as a document, for the API and the command."""

from __future__ import annotations

from typing import Any

from app.store.engine import Store
from app.store.ledger import Ledger, WebhookLedger, read_ledger

_SUMS = ("owed", "matched", "delivered", "pending", "confirming", "failed", "skipped", "parked", "duplicates_possible")


def ledger_document(store: Store, organization_id: str | None = None) -> dict[str, Any]:
    """The reconciled numbers of one organization or of all, read in one snapshot."""
    with store.snapshot() as connection:
        return _document(read_ledger(connection, organization_id))


def _document(ledger: Ledger) -> dict[str, Any]:
    return {
        "accepted": ledger.accepted,
        **{name: ledger.total(name) for name in _SUMS},
        "duplicate_causes": ledger.causes,
        "balanced": ledger.balanced,
        "webhooks": [_account(one) for one in ledger.webhooks],
    }


def _account(webhook: WebhookLedger) -> dict[str, Any]:
    return {
        "webhook_id": webhook.webhook_id,
        "name": webhook.name,
        "accepted": webhook.owed,
        **{name: getattr(webhook, name) for name in _SUMS},
        "duplicate_causes": dict(webhook.causes),
        "balanced": webhook.difference == 0,
    }
