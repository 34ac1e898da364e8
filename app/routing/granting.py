"""What anybody may hand on: nothing stronger than they have, and nowhere wider than they are."""

from __future__ import annotations

from sqlalchemy import Connection

from app.core.errors import ForbiddenError, NoContextError, NotFoundError
from app.security.permissions import Role
from app.security.places import check_place
from app.security.principal import Principal
from app.security.scope import Scope


def check_organization(connection: Connection, scope: Scope, organization_id: str) -> None:
    """Refuse an organization that is not there or belongs to others.

    Raises:
        NotFoundError: it is so.
    """
    if scope.organization_id not in {None, organization_id}:
        raise NotFoundError(f"there is no organization {organization_id!r}")
    check_place(connection, organization_id, None)


def check_grant(
    connection: Connection, caller: Principal, role: Role, organization_id: str, context_id: str | None
) -> None:
    """Refuse to hand on a role at a place that the caller does not have there.

    Args:
        connection: to the database.
        caller: who hands on.
        role: what is handed on.
        organization_id: where.
        context_id: None = the whole organization.

    Raises:
        NotFoundError: there is no such organization within the caller's scope.
        NoContextError: it has no such context within the caller's scope.
        ForbiddenError: the place is wider, or the role stronger, than the caller's.
    """
    check_organization(connection, Scope.of(caller), organization_id)
    if caller.context_id not in {None, context_id}:
        if context_id is None:
            raise ForbiddenError(f"you are bound to one context; give context_id {caller.context_id!r}")
        raise NoContextError(organization_id, context_id)
    check_place(connection, organization_id, context_id)
    check_strength(caller, role)


def check_strength(caller: Principal, role: Role) -> None:
    """Refuse to touch a role that may do something which the caller may not.

    Raises:
        ForbiddenError: it may.
    """
    if not role.permissions <= caller.role.permissions:
        raise ForbiddenError(f"the role {role.value} is stronger than your own, {caller.role.value}")
