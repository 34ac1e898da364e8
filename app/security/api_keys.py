"""API keys: what they look like, how they are kept, whom they stand for.

A key is ``rp_<8 visible characters>_<43 characters>``; the 43 carry 32 random bytes. Only its SHA-256 is stored: with
256 random bits there is nothing to guess, so a slow password hash would only slow the requests down.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping, or_, select, update

from app.core.clock import MINUTE, Micros
from app.core.errors import InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.security.permissions import parse_role
from app.security.places import check_place
from app.security.principal import Principal
from app.security.scope import Scope
from app.store.tables import api_keys

SECRET_BYTES = 32
LAST_USED_STEP: Micros = 10 * MINUTE
"""``last_used_at`` is this coarse, so that using a key is not a write each time."""
_PREFIX_BYTES = 5
_KEY = re.compile(r"rp_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
MAX_NAME = 125


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as it is listed: everything but the key."""

    id: str
    name: str
    prefix: str
    role: str
    organization_id: str | None
    context_id: str | None
    created_at: Micros
    expires_at: Micros | None
    revoked_at: Micros | None
    last_used_at: Micros | None


def digest_of(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create_key(
    connection: Connection,
    *,
    name: str,
    role: str,
    organization_id: str | None = None,
    context_id: str | None = None,
    expires_at: Micros | None = None,
    now: Micros,
    random_bytes: RandomBytes,
) -> tuple[KeyRecord, str]:
    """Make a key and answer its record and its text. The text cannot be had again.

    Raises:
        InvalidInputError: the role or name is wrong, or a context is named without its organization.
        NotFoundError: the organization or context does not exist.
    """
    known_role = parse_role(role)
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInputError(f"must have 1 to {MAX_NAME} characters", field="name")
    check_place(connection, organization_id, context_id)
    prefix = base64.b32encode(random_bytes(_PREFIX_BYTES)).decode().lower()
    secret = base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).decode().rstrip("=")
    key = f"rp_{prefix}_{secret}"
    record = KeyRecord(
        id=new_id("key", random_bytes),
        name=name,
        prefix=prefix,
        role=known_role.value,
        organization_id=organization_id,
        context_id=context_id,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    values = {column: getattr(record, column) for column in KeyRecord.__slots__}
    connection.execute(api_keys.insert().values(**values, digest=digest_of(key)))
    return record, key


def list_keys(connection: Connection, organization_id: str | None = None) -> Sequence[KeyRecord]:
    """The keys of one organization, or all, oldest first."""
    statement = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    if organization_id is not None:
        statement = statement.where(api_keys.c.organization_id == organization_id)
    return [_record(row) for row in connection.execute(statement).mappings()]


def keys_page(
    connection: Connection, scope: Scope, organization_id: str, *, after: str, limit: int
) -> Sequence[KeyRecord]:
    """Keys of an organization within a scope, by id from behind ``after``."""
    mine = (*scope.within(api_keys), api_keys.c.organization_id == organization_id, api_keys.c.id > after)
    statement = select(api_keys).where(*mine).order_by(api_keys.c.id).limit(limit)
    return [_record(row) for row in connection.execute(statement).mappings()]


def find_key(connection: Connection, scope: Scope, key_id: str, organization_id: str | None = None) -> KeyRecord:
    """One key; ``organization_id`` None = whichever it belongs to, or none.

    Raises:
        NotFoundError: there is none in this scope.
    """
    mine = [*scope.within(api_keys), api_keys.c.id == key_id]
    if organization_id is not None:
        mine.append(api_keys.c.organization_id == organization_id)
    row = connection.execute(select(api_keys).where(*mine)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("no such key")
    return _record(row)


def change_key(connection: Connection, record: KeyRecord, *, name: str, expires_at: Micros | None) -> KeyRecord:
    """Another name or end of a key."""
    changed = {"name": name, "expires_at": expires_at}
    connection.execute(update(api_keys).where(api_keys.c.id == record.id).values(changed))
    return replace(record, name=name, expires_at=expires_at)


def expiry_of_key(connection: Connection, key_id: str) -> Micros | None:
    """When a key ends by itself; None = never."""
    return connection.execute(select(api_keys.c.expires_at).where(api_keys.c.id == key_id)).scalar_one_or_none()


def revoke_key(connection: Connection, key_id: str, now: Micros) -> KeyRecord | None:
    """End a key now; answers the key, or None when it had ended before.

    Raises:
        NotFoundError: there is no such key.
    """
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no key {key_id!r}")
    active = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    return _record(row) if connection.execute(active.values(revoked_at=now)).rowcount else None


def authenticate(connection: Connection, key: str, now: Micros) -> Principal | None:
    """Whom a key stands for; None when it is unknown, revoked or expired."""
    if not _KEY.fullmatch(key):
        return None
    digest = digest_of(key)
    row = connection.execute(select(api_keys).where(api_keys.c.digest == digest)).mappings().one_or_none()
    if row is None or not hmac.compare_digest(row["digest"], digest):
        return None
    if row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now):
        return None
    return Principal(row["id"], parse_role(row["role"]), row["organization_id"], row["context_id"])


def touch_key(connection: Connection, key_id: str, now: Micros) -> None:
    """Note that a key was used; at most one change in ten minutes."""
    stale = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < now - LAST_USED_STEP)
    connection.execute(update(api_keys).where(api_keys.c.id == key_id, stale).values(last_used_at=now))


def _record(row: RowMapping) -> KeyRecord:
    return KeyRecord(**{column: row[column] for column in KeyRecord.__slots__})
