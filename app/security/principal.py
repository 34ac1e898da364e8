"""Who is asking: an API key or a person who is signed in. Every use case takes one of these, and cannot tell which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.core.errors import ForbiddenError
from app.security.permissions import Permission, Role

Kind = Literal["api_token", "admin"]
"""``api_token`` is a key, ``admin`` a person, in the words of the actor types of events."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller and its place.

    Args:
        id: of the key or the person.
        role: what it may do there.
        organization_id: None = the whole platform.
        context_id: None = the whole organization.
        kind: a key or a person.
        email: of a person.
    """

    id: str
    role: Role
    organization_id: str | None
    context_id: str | None
    kind: Kind = "api_token"
    email: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role of this caller includes a permission. Where it applies is the query's business."""
        return permission in self.role.permissions

    def require(self, permission: Permission) -> None:
        """Refuse the call unless the role includes the permission.

        Raises:
            ForbiddenError: it does not.
        """
        if not self.may(permission):
            raise ForbiddenError(f"the role {self.role.value} may not do this; it needs {permission.value}")
