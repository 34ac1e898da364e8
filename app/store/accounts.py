"""What each webhook was ever owed: a number of its own, raised in the transaction that writes the deliveries.

The ledger compares it with the deliveries there are, so that a lost or invented row shows at the webhook it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

_RAISE_SQLITE = """
    INSERT INTO accounts (webhook_pk, owed) VALUES (?, ?)
    ON CONFLICT (webhook_pk) DO UPDATE SET owed = owed + excluded.owed
"""

_RAISE_POSTGRES = """
    INSERT INTO accounts (webhook_pk, owed) SELECT * FROM unnest(%s::bigint[], %s::bigint[])
    ON CONFLICT (webhook_pk) DO UPDATE SET owed = accounts.owed + excluded.owed
"""


def raise_accounts(connection: Connection, owed: Mapping[int, int]) -> None:
    """Write down that webhooks (by ``pk``) are owed so many deliveries more."""
    if not owed:
        return
    # By webhook, so that two transactions lock shared rows in the same order.
    rows = sorted(owed.items())
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_RAISE_POSTGRES, ([pk for pk, _ in rows], [number for _, number in rows]))
    else:
        connection.exec_driver_sql(_RAISE_SQLITE, rows)
