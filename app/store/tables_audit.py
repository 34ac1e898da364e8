"""The schema of the chain of our own audit; see ``app.core.audit_chain``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text

from app.store.tables import metadata

audit_records = Table(
    "audit_records",
    metadata,
    Column("organization_id", Text, ForeignKey("organizations.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
"""Kept for ever, some 150 bytes each: the events they speak of go with the receipts."""

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("organization_id", Text, ForeignKey("organizations.id"), primary_key=True),
    Column("head_sealed", LargeBinary, nullable=False),
)
"""Where each chain ends, sealed by the vault: whoever can only write to the database cannot make one."""
