"""The schema of what is counted of RADIUS: outcomes per context and method, devices per group."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from app.store.tables import metadata

radius_counts = Table(
    "radius_counts",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("context_id", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("octets_in", BigInteger, nullable=False),
    Column("octets_out", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
)
"""Accounting records have the method ""."""

connected_devices = Table(
    "connected_devices",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("context_id", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("user_name", Text),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("octets_in", BigInteger, nullable=False),
    Column("octets_out", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
)
"""``group_id`` "" = the source named no group."""
