"""The schema of what bounds senders: rate limits, signatures that a key demands, and messages seen lately."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from app.store.tables import metadata

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("full_at", BigInteger, nullable=False),
)
"""When each bucket is full again (``app.core.rate_limit``); one that is full needs no row."""

key_terms = Table(
    "key_terms",
    metadata,
    Column("key_id", Text, ForeignKey("api_keys.id"), primary_key=True),
    Column("organization_id", Text),
    Column("rate_per_s", Integer),
    Column("scheme", Text),
    Column("header", Text, nullable=False, server_default=""),
    Column("secrets_sealed", LargeBinary),
    Column("updated_at", BigInteger, nullable=False),
)
"""Under which terms an API key may send events; a key without a row has none.

``scheme`` is one of ``app.security.inbound_signatures``, and ``secrets_sealed`` the JSON list of its secrets.
"""

seen_messages = Table(
    "seen_messages",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("mark", LargeBinary, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index(None, "until"),
    sqlite_with_rowid=False,
)
"""Signed messages that were accepted lately, by what tells each from the others of its sender."""
