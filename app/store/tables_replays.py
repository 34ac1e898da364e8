"""The schema of replays: redeliveries and backfills of many."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text

from app.store.tables import BigKey, metadata

replays = Table(
    "replays",
    metadata,
    Column("pk", BigKey, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("webhook_pk", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("per_s", Integer, nullable=False),
    Column("delivery_state", SmallInteger),
    Column("code", Text),
    Column("event_type", Text),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("stepped_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "webhook_pk", "pk"),
)
"""One redelivery or backfill of many: which deliveries, and how far it is.

It goes through the events behind ``after_seq`` up to ``last_seq``; ``done`` of them are due or were. NULL in
``delivery_state``, ``code`` (an ``AnswerClass``) and ``event_type`` = any.
"""

Index(
    "ix_replays_running",
    replays.c.webhook_pk,
    unique=True,
    sqlite_where=replays.c.state == "running",
    postgresql_where=replays.c.state == "running",
)
