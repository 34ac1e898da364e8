"""Use cases that change an organization."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import update

from app.core.errors import ForbiddenError
from app.routing.own_audit import SYSTEM, Author, OwnChange, differences
from app.routing.own_changes import OwnChanges
from app.routing.places import Title, check_timezone, organization_row, organization_view
from app.security.scope import Scope
from app.store.partitions import next_counter
from app.store.tables import organizations


class OrganizationPatch(BaseModel):
    """What may change about an organization; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    name: Title | None = None
    timezone: str | None = None


class PlaceChanges:
    """Changes of organizations, within the caller's scope.

    Args:
        changes: where what changes is written and told.
    """

    def __init__(self, changes: OwnChanges) -> None:
        self._changes = changes

    def change_organization(
        self, scope: Scope, organization_id: str, patch: OrganizationPatch, by: Author = SYSTEM
    ) -> dict[str, Any]:
        """Another name or time zone. Events that were accepted before keep what was decided then.

        Every process heeds it a second later.

        Raises:
            NotFoundError: no such organization in this scope.
            ForbiddenError: the caller is bound to one context.
            InvalidInputError: the time zone is none.
        """
        if patch.timezone is not None:
            check_timezone(patch.timezone)
        columns = patch.model_dump(exclude_none=True)
        with self._changes.write() as (connection, news):
            before = organization_view(organization_row(connection, scope, organization_id))
            if scope.context_id is not None:
                raise ForbiddenError("a caller bound to one context may not change its organization")
            after = before | columns
            if after == before:
                return before
            changed = update(organizations).where(organizations.c.id == organization_id).values(columns)
            connection.execute(changed)
            next_counter(connection, "routing_generation")
            told = OwnChange(
                organization_id=organization_id,
                author=by,
                action="update",
                entity_type="organization",
                entity_id=organization_id,
                entity_name=after["name"],
                changes=differences("organization", before, after),
            )
            news.tell(told)
        return after
