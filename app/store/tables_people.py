"""The schema of people: who may sign in, where they are members, and what is open at the moment.

Whatever lets somebody in is stored as a hash: passwords with Argon2id, the random tokens of sessions and links with
SHA-256. A copy of these tables opens no door.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, Table, Text

from app.store.tables import metadata

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("provider_subject", Text, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("signed_in_at", BigInteger),
    Column("disabled_at", BigInteger),
)
"""People. ``email`` is case-folded. Without a password, only a link or another log-in lets a person in.
``provider_subject`` is who the person is at the OpenID provider: issuer and subject, from the first log-in there."""

members = Table(
    "members",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("context_id", Text),
    Column("email", Text, nullable=False),
    Column("user_id", Text, ForeignKey("users.id")),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("joined_at", BigInteger),
    ForeignKeyConstraint(["organization_id", "context_id"], ["contexts.organization_id", "contexts.id"]),
    Index(None, "organization_id", "id"),
    Index(None, "user_id"),
)
"""A role of a person at a place; organization NULL = the whole platform. ``user_id`` NULL = invited, not yet joined."""

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)
"""Who is signed in; ``digest`` is of the token in the cookie, ``id`` what a list of sessions calls it."""

door_links = Table(
    "door_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "purpose", "subject"),
)
"""One-time links: the first set-up, an invitation (``subject`` is the member), a new password (the user), a log-in at a
provider that has begun (JSON of what must fit when it ends)."""

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "since"),
)
"""Tries to sign in since the beginning of a window, per account and per address; ``subject`` is a digest of either."""
