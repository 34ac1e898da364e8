"""Use cases of an organization's members: who has which role where, invitations, and their end."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.core.clock import Clock, to_rfc3339
from app.core.errors import ConflictError
from app.core.ids import RandomBytes
from app.routing.granting import check_grant, check_organization, check_strength
from app.routing.member_audit import member_added, member_changed, member_removed
from app.routing.own_audit import Author
from app.routing.own_changes import OwnChanges
from app.security.links import Purpose, create_link
from app.security.members import (
    MemberRecord,
    add_member,
    change_member,
    find_member,
    list_members,
    remove_member,
)
from app.security.person import MemberRole
from app.security.principal import Principal
from app.security.scope import Scope
from app.security.users import MAX_EMAIL
from app.store.engine import Store

RoleName = Literal["owner", "editor", "viewer"]


class NewMember(BaseModel):
    """Whom to invite, and in which role. Without ``context_id`` the role counts in the whole organization."""

    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=MAX_EMAIL)]
    role: RoleName
    context_id: Annotated[str, Field(max_length=200)] | None = None


class MemberPatch(BaseModel):
    """Another role at the same place."""

    model_config = ConfigDict(extra="forbid")
    role: RoleName


class MemberService:
    """Members of organizations and contexts, within the caller's scope.

    Args:
        store: the database.
        changes: where what changes is written and told.
        clock: the time.
        random_bytes: for ids and links.
    """

    def __init__(self, store: Store, *, changes: OwnChanges, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def page(
        self, scope: Scope, organization_id: str, *, after: str = "", limit: int = 50
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Members by id from behind ``after``, and the last id if there are more.

        Raises:
            NotFoundError: no such organization in this scope.
        """
        with self._store.read() as connection:
            check_organization(connection, scope, organization_id)
            found = list_members(connection, scope, organization_id, after=after, limit=limit + 1)
        return [member_view(one) for one in found[:limit]], found[limit - 1].id if len(found) > limit else None

    def get(self, scope: Scope, organization_id: str, member_id: str) -> dict[str, Any]:
        """One member.

        Raises:
            NotFoundError: there is none in this scope.
        """
        with self._store.read() as connection:
            return member_view(find_member(connection, scope, organization_id, member_id))

    def invite(self, caller: Principal, organization_id: str, new: NewMember) -> dict[str, Any]:
        """Give somebody a role, to be taken up with a one-time link, which is shown this once.

        Raises:
            NotFoundError: no such organization or context in the caller's scope.
            ForbiddenError: the role is stronger than the caller's, or the place is wider.
            InvalidInputError: the e-mail address is none.
            ConflictError: the e-mail address has a role there already.
        """
        role = MemberRole(new.role)
        with self._changes.write() as (connection, news):
            check_grant(connection, caller, role.role, organization_id, new.context_id)
            member = add_member(
                connection,
                email=new.email,
                role=role,
                organization_id=organization_id,
                context_id=new.context_id,
                now=self._clock(),
                random_bytes=self._random_bytes,
            )
            view = member_view(member) | self._link(connection, member)
            news.tell(member_added(Author.of(caller), member))
        return view

    def renew_link(self, caller: Principal, organization_id: str, member_id: str) -> dict[str, Any]:
        """Another link for somebody who was invited and has not joined; the one before ends.

        Raises:
            NotFoundError: there is no such member in the caller's scope.
            ConflictError: the person joined already.
        """
        with self._store.write() as connection:
            member = find_member(connection, Scope.of(caller), organization_id, member_id)
            if member.user_id is not None:
                raise ConflictError(f"{member.email} joined already and needs no link")
            check_strength(caller, MemberRole(member.role).role)
            return member_view(member) | self._link(connection, member)

    def change(self, caller: Principal, organization_id: str, member_id: str, patch: MemberPatch) -> dict[str, Any]:
        """Give a member another role at the same place.

        Raises:
            NotFoundError: there is no such member in the caller's scope.
            ForbiddenError: the role, before or after, is stronger than the caller's.
        """
        with self._changes.write() as (connection, news):
            before = find_member(connection, Scope.of(caller), organization_id, member_id)
            for role in (MemberRole(before.role), MemberRole(patch.role)):
                check_strength(caller, role.role)
            after = change_member(connection, before, MemberRole(patch.role))
            changed = None if after == before else member_changed(Author.of(caller), before, after)
            news.tell(changed)
        return member_view(after)

    def remove(self, caller: Principal, organization_id: str, member_id: str) -> None:
        """End a role at once, or take an invitation back.

        Raises:
            NotFoundError: there is no such member in the caller's scope.
            ForbiddenError: the role is stronger than the caller's.
        """
        with self._changes.write() as (connection, news):
            member = find_member(connection, Scope.of(caller), organization_id, member_id)
            check_strength(caller, MemberRole(member.role).role)
            remove_member(connection, member)
            news.tell(member_removed(Author.of(caller), member))

    def _link(self, connection: Connection, member: MemberRecord) -> dict[str, Any]:
        token, expires_at = create_link(
            connection, Purpose.INVITATION, member.id, now=self._clock(), random_bytes=self._random_bytes
        )
        return {"invitation": {"path": f"/join?link={token}", "expires_at": to_rfc3339(expires_at)}}


def member_view(member: MemberRecord) -> dict[str, Any]:
    """A member in its public form."""
    return {
        "id": member.id,
        "organization_id": member.organization_id,
        "context_id": member.context_id,
        "email": member.email,
        "role": member.role,
        "state": "invited" if member.user_id is None else "active",
        "created_at": to_rfc3339(member.created_at),
        "joined_at": None if member.joined_at is None else to_rfc3339(member.joined_at),
    }
