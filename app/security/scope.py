"""Tenancy: what a caller can see is part of the query, so that a foreign row is simply not there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table

from app.security.principal import Principal


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the data a caller may see. None = no bound; a context always has its organization."""

    organization_id: str | None = None
    context_id: str | None = None

    @classmethod
    def of(cls, principal: Principal) -> Scope:
        """The scope of whoever asks."""
        return cls(principal.organization_id, principal.context_id)

    def within(self, table: Table) -> list[ColumnElement[bool]]:
        """Conditions for a table with ``organization_id`` and ``context_id`` columns."""
        found: list[ColumnElement[bool]] = []
        if self.organization_id is not None:
            found.append(table.c.organization_id == self.organization_id)
        if self.context_id is not None:
            found.append(table.c.context_id == self.context_id)
        return found

    def covers(self, organization_id: str | None, context_id: str | None) -> bool:
        """Whether a place lies within this scope; an organization None is the whole platform."""
        return self.organization_id in {None, organization_id} and self.context_id in {None, context_id}
