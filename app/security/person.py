"""A person and the places where that person is a member."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from app.core.errors import InvalidInputError
from app.security.permissions import Role, parse_role
from app.security.principal import Principal
from app.security.scope import Scope
from app.store.tables_people import members

MAX_MEMBERSHIPS = 1000
_STRENGTH = (Role.READ, Role.WRITE, Role.ADMIN)


class MemberRole(StrEnum):
    """What people can be at a place; each is another word for the role of a key."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"

    @property
    def role(self) -> Role:
        """The role whose permissions it has."""
        return parse_role(self.value)


def parse_member_role(text: str) -> MemberRole:
    """The role of a name.

    Raises:
        InvalidInputError: no such role.
    """
    try:
        return MemberRole(text.strip().lower())
    except ValueError:
        raise InvalidInputError(f"must be one of {', '.join(MemberRole)}", field="role") from None


@dataclass(frozen=True, slots=True)
class Membership:
    """A role at a place. ``organization_id`` None = the whole platform; ``context_id`` None = the organization."""

    role: MemberRole
    organization_id: str | None
    context_id: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. Memberships are read anew for each request, so that none outlives its end."""

    id: str
    email: str
    name: str
    memberships: tuple[Membership, ...]

    def principal_at(self, organization_id: str | None, context_id: str | None = None) -> Principal | None:
        """This person as a caller at a place: bound to it, in the strongest role that covers it; None = no member.

        Args:
            organization_id: None = the whole platform.
            context_id: None = the whole organization.
        """
        roles = [
            one.role.role
            for one in self.memberships
            if Scope(one.organization_id, one.context_id).covers(organization_id, context_id)
        ]
        if not roles:
            return None
        strongest = max(roles, key=_STRENGTH.index)
        return Principal(self.id, strongest, organization_id, context_id, kind="admin", email=self.email)


def memberships_of(connection: Connection, user_id: str) -> tuple[Membership, ...]:
    """Where a person is a member."""
    return memberships_of_each(connection, {user_id})[user_id]


def memberships_of_each(connection: Connection, user_ids: Collection[str]) -> dict[str, tuple[Membership, ...]]:
    """Where each of a few people is a member: at most ``MAX_MEMBERSHIPS`` places on average."""
    found: dict[str, list[Membership]] = {user_id: [] for user_id in user_ids}
    columns = (members.c.user_id, members.c.role, members.c.organization_id, members.c.context_id)
    statement = select(*columns).where(members.c.user_id.in_(user_ids)).order_by(members.c.id)
    for row in connection.execute(statement.limit(MAX_MEMBERSHIPS * len(user_ids))):
        found[row.user_id].append(Membership(MemberRole(row.role), row.organization_id, row.context_id))
    return {user_id: tuple(roles) for user_id, roles in found.items()}
