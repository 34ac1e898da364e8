"""The schema of what flows: numbers by the minute, so that no picture has to count deliveries.

``minute`` counts from 1970 UTC. When an hour is over for a while, its minutes are folded into its first one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from app.store.tables import metadata

WITHIN_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""How long requests took: each has a column for those that took so many milliseconds at most, and one is for longer."""

webhook_traffic = Table(
    "webhook_traffic",
    metadata,
    Column("webhook_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("delivered", Integer, nullable=False),
    Column("retried", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    *(Column(f"within_{limit}_ms", Integer, nullable=False) for limit in WITHIN_MS),
    Column("longer", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How attempts of a webhook's deliveries ended in a minute, and how long its requests took.

``delivered`` has those that the receiver took, ``retried`` those that will be tried again.
"""

event_traffic = Table(
    "event_traffic",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("context_id", Text, primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Events that were accepted in a minute; ``context_id`` "" = the organization's own."""

UNFOLDED = "minute % 60 <> 0"
"""The minutes that are not the first of their hour."""
for _table in (webhook_traffic, event_traffic):
    Index(f"ix_{_table.name}_unfolded", _table.c.minute, sqlite_where=text(UNFOLDED), postgresql_where=text(UNFOLDED))
