"""The schema of what an organization decides for itself, and of the event types its sources brought along."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, SmallInteger, Table, Text, UniqueConstraint

from app.store.tables import metadata

change_windows = Table(
    "change_windows",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("organization_id", "name"),
)
"""``spec`` is the JSON of everything but the name, as it was checked when it was saved."""

seen_types = Table(
    "seen_types",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("first_seen", BigInteger, nullable=False),
)
"""Event types that the catalogue does not list and that some source sent."""

sensitivity_rules = Table(
    "sensitivity_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("sensitivity", SmallInteger),
    Column("tags", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("organization_id", "name"),
)
"""Tried in the order of ``position``, then of ``id``; ``pattern`` and ``tags`` are JSON."""
