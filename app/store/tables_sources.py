"""The schema of sources: foreign systems that send events in their own form, each to an address of its own."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint

from app.store.tables import metadata

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id"), nullable=False),
    Column("context_id", Text),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("config", Text, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("previous_sealed", LargeBinary),
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("organization_id", "name"),
    Index(None, "organization_id", "id"),
)
"""``kind`` names the source of a plugin; ``config`` is JSON; ``*_sealed`` columns hold vault envelopes.

Events of a source belong to its organization, and to its context where it has one.
"""

source_counts = Table(
    "source_counts",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
"""How often what came of the requests of a source, and when it last did; see ``app.ingest.source_tally``."""
