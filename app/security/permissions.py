"""Roles and what each may do.

``ingest`` only sends events. ``read`` looks, ``write`` also configures and sends, ``admin`` also manages organizations,
keys and members. A reader may not send events: whoever can watch the audit trail should not be able to forge it.
"""

from __future__ import annotations

from enum import StrEnum

from app.core.errors import InvalidInputError


class Permission(StrEnum):
    """One thing a key or a person may be allowed to do."""

    EVENTS_SEND = "events:send"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    WEBHOOK_SECRETS_READ = "webhook-secrets:read"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_SEND = "deliveries:send"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    PLATFORM_READ = "platform:read"


class Role(StrEnum):
    """The four roles of a key."""

    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role may do."""
        return _GRANTS[self]


_READ = frozenset(
    {
        Permission.EVENTS_READ,
        Permission.WEBHOOKS_READ,
        Permission.DELIVERIES_READ,
        Permission.ORGANIZATIONS_READ,
        Permission.POLICIES_READ,
        Permission.SOURCES_READ,
        Permission.PLATFORM_READ,
    }
)
_WRITE = _READ | {
    Permission.EVENTS_SEND,
    Permission.WEBHOOKS_WRITE,
    Permission.WEBHOOK_SECRETS_READ,
    Permission.POLICIES_WRITE,
    Permission.SOURCES_WRITE,
    Permission.DELIVERIES_SEND,
}
_GRANTS = {
    Role.INGEST: frozenset({Permission.EVENTS_SEND}),
    Role.READ: _READ,
    Role.WRITE: _WRITE,
    Role.ADMIN: frozenset(Permission),
}
_ALIASES = {"viewer": Role.READ, "editor": Role.WRITE, "owner": Role.ADMIN}


def parse_role(text: str) -> Role:
    """The role of a name; ``viewer``, ``editor`` and ``owner`` are other words for read, write and admin.

    Raises:
        InvalidInputError: no such role.
    """
    word = text.strip().lower()
    if word in _ALIASES:
        return _ALIASES[word]
    try:
        return Role(word)
    except ValueError:
        raise InvalidInputError(f"must be one of {', '.join(Role)}", field="role") from None
