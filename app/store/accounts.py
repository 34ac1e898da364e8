"""What each webhook was ever owed: a number of its own, raised in the transaction that writes the deliveries.

The ledger compares it with the deliveries there are, so that a lost or invented row shows at the webhook it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from app.store.raising import raise_numbers
from app.store.tables import accounts


def raise_accounts(connection: Connection, owed: Mapping[int, int]) -> None:
    """Write down that webhooks (by ``pk``) are owed so many deliveries more."""
    raise_numbers(connection, accounts, owed.items())
