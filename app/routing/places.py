"""Use cases of organizations and contexts: the places events come from."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Connection, RowMapping, insert, select
from sqlalchemy.exc import IntegrityError

from app.core.clock import Clock, to_rfc3339
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.core.written import Written
from app.security.scope import Scope
from app.store.engine import Store
from app.store.tables import contexts, organizations

PlaceId = Annotated[
    str,
    Written(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$", "letters, digits and _.:-, a letter or digit first, at most 200"),
]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NewOrganization(BaseModel):
    """An organization; its id may be the one the sources use."""

    model_config = ConfigDict(extra="forbid")
    id: PlaceId | None = None
    name: Title
    timezone: str = "UTC"


class NewContext(BaseModel):
    """A context of an organization; its id may be the one the sources use."""

    model_config = ConfigDict(extra="forbid")
    id: PlaceId | None = None
    service: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    name: Title


class PlaceService:
    """Organizations and contexts within the caller's scope."""

    def __init__(self, store: Store, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    def create_organization(self, scope: Scope, new: NewOrganization) -> dict[str, Any]:
        """A new organization.

        Raises:
            ForbiddenError: the key is bound to one organization.
            ConflictError: the id is taken.
        """
        if scope.organization_id is not None:
            raise ForbiddenError("only a key of the whole platform may create organizations")
        check_timezone(new.timezone)
        row = {
            "id": new.id or new_id("org", self._random_bytes),
            "name": new.name,
            "timezone": new.timezone,
            "created_at": self._clock(),
        }
        try:
            with self._store.write() as connection:
                connection.execute(insert(organizations).values(row))
        except IntegrityError:
            raise ConflictError(f"there is an organization {row['id']!r} already") from None
        return organization_view(row)

    def organizations(
        self, scope: Scope, *, after: str = "", limit: int = 50
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Organizations by id from behind ``after``, and the last id if there are more."""
        statement = select(organizations).where(organizations.c.id > after).order_by(organizations.c.id)
        if scope.organization_id is not None:
            statement = statement.where(organizations.c.id == scope.organization_id)
        with self._store.read() as connection:
            rows = connection.execute(statement.limit(limit + 1)).mappings().all()
        return [organization_view(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None

    def organization(self, scope: Scope, organization_id: str) -> dict[str, Any]:
        """One organization.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            return organization_view(organization_row(connection, scope, organization_id))

    def create_context(self, scope: Scope, organization_id: str, new: NewContext) -> dict[str, Any]:
        """A new context.

        Raises:
            NotFoundError: no such organization in this scope.
            ForbiddenError: the key is bound to one context.
            ConflictError: the id is taken in this organization.
        """
        if scope.context_id is not None and scope.covers(organization_id, scope.context_id):
            raise ForbiddenError("a key bound to one context may not create others")
        row = {
            "organization_id": organization_id,
            "id": new.id or new_id("ctx", self._random_bytes),
            "service": new.service,
            "name": new.name,
            "created_at": self._clock(),
        }
        try:
            with self._store.write() as connection:
                organization_row(connection, scope, organization_id)
                connection.execute(insert(contexts).values(row))
        except IntegrityError:
            raise ConflictError(f"the organization has a context {row['id']!r} already") from None
        return _context(row)

    def context(self, scope: Scope, organization_id: str, context_id: str) -> dict[str, Any]:
        """One context of an organization.

        Raises:
            NotFoundError: no such context in this scope.
        """
        statement = select(contexts).where(contexts.c.organization_id == organization_id, contexts.c.id == context_id)
        with self._store.read() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None or not scope.covers(organization_id, context_id):
            raise NotFoundError("no such context")
        return _context(row)

    def contexts(
        self, scope: Scope, organization_id: str, *, after: str = "", limit: int = 50
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Contexts of an organization by id from behind ``after``, and the last id if there are more.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        statement = select(contexts).where(contexts.c.organization_id == organization_id, contexts.c.id > after)
        if scope.context_id is not None:
            statement = statement.where(contexts.c.id == scope.context_id)
        with self._store.read() as connection:
            organization_row(connection, scope, organization_id)
            rows = connection.execute(statement.order_by(contexts.c.id).limit(limit + 1)).mappings().all()
        return [_context(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None


def check_timezone(name: str) -> None:
    """Refuse what is no time zone.

    Raises:
        InvalidInputError: this machine knows none of that name.
    """
    if name not in _known_zones():
        raise InvalidInputError("is not a time zone such as Europe/Amsterdam", field="timezone")


def time_zones() -> list[str]:
    """What to choose from: the zones that are named by a place, and UTC. A few older names are known, too."""
    return sorted(name for name in _known_zones() if "/" in name or name == "UTC")


@cache
def _known_zones() -> frozenset[str]:
    """Read once: it takes a walk over hundreds of files."""
    return frozenset(available_timezones())


def organization_row(connection: Connection, scope: Scope, organization_id: str) -> RowMapping:
    """One organization as stored.

    Raises:
        NotFoundError: there is none in this scope.
    """
    known = select(organizations).where(organizations.c.id == organization_id)
    row = connection.execute(known).mappings().one_or_none()
    if row is None or scope.organization_id not in {None, organization_id}:
        raise NotFoundError("no such organization")
    return row


def organization_view(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    """An organization in its public form."""
    return {**{name: row[name] for name in ("id", "name", "timezone")}, "created_at": to_rfc3339(row["created_at"])}


def _context(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    named = {name: row[name] for name in ("id", "organization_id", "service", "name")}
    return {**named, "created_at": to_rfc3339(row["created_at"])}
