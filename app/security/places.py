"""Whether a place exists: the platform, an organization, or a context of one."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.core.errors import InvalidInputError, NoContextError, NotFoundError
from app.store.tables import contexts, organizations


def check_place(connection: Connection, organization_id: str | None, context_id: str | None) -> None:
    """Refuse a place that does not exist.

    Args:
        connection: to the database.
        organization_id: None = the whole platform.
        context_id: None = the whole organization.

    Raises:
        InvalidInputError: a context is named without its organization.
        NotFoundError: the organization does not exist.
        NoContextError: it has no such context.
    """
    if organization_id is None:
        if context_id is not None:
            raise InvalidInputError("a context needs its organization", field="organization")
        return
    found = select(organizations.c.id).where(organizations.c.id == organization_id)
    if connection.execute(found).one_or_none() is None:
        raise NotFoundError(f"there is no organization {organization_id!r}")
    if context_id is not None:
        found = select(contexts.c.id).where(contexts.c.organization_id == organization_id, contexts.c.id == context_id)
        if connection.execute(found).one_or_none() is None:
            raise NoContextError(organization_id, context_id)
