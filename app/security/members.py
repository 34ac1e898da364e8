"""Roles of people at places: writing, listing and ending them. Every statement about a tenant carries its scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from app.core.clock import Micros
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import RandomBytes, new_id
from app.security.links import Purpose, drop_links
from app.security.person import MemberRole
from app.security.places import check_place
from app.security.scope import Scope
from app.security.users import folded_email
from app.store.tables import organizations
from app.store.tables_people import members

MAX_MEMBERS = 5_000
"""Members of one organization, its contexts included."""


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A role at a place. ``user_id`` and ``joined_at`` None = invited, not yet joined."""

    id: str
    organization_id: str | None
    context_id: str | None
    email: str
    user_id: str | None
    role: str
    created_at: Micros
    joined_at: Micros | None


def add_member(
    connection: Connection,
    *,
    email: str,
    role: MemberRole,
    organization_id: str | None = None,
    context_id: str | None = None,
    user_id: str | None = None,
    now: Micros,
    random_bytes: RandomBytes,
) -> MemberRecord:
    """Give a role at a place: to a person, or to whoever will join under an e-mail address.

    Args:
        connection: inside a write transaction.
        email: of the person.
        role: at that place.
        organization_id: None = the whole platform.
        context_id: None = the whole organization.
        user_id: the person; None = to be invited.
        now: the time.
        random_bytes: for the id.

    Raises:
        InvalidInputError: the e-mail address is none, or a context is named without its organization.
        NotFoundError: there is no such place.
        ConflictError: the e-mail address has a role there already, or there are too many members.
    """
    folded = folded_email(email)
    check_place(connection, organization_id, context_id)
    # Two who invite at the same moment take turns, so that both count what the other wrote.
    connection.execute(select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update())
    here = (members.c.organization_id == organization_id, members.c.context_id == context_id)
    if connection.execute(select(members.c.id).where(*here, members.c.email == folded).limit(1)).first():
        raise ConflictError(f"{folded} has a role here already; change that one")
    number = select(func.count()).select_from(members).where(members.c.organization_id == organization_id)
    if connection.execute(number).scalar_one() >= MAX_MEMBERS:
        raise ConflictError(f"an organization can have {MAX_MEMBERS} members; remove one first")
    record = MemberRecord(
        id=new_id("mem", random_bytes),
        organization_id=organization_id,
        context_id=context_id,
        email=folded,
        user_id=user_id,
        role=role.value,
        created_at=now,
        joined_at=None if user_id is None else now,
    )
    connection.execute(insert(members).values({column: getattr(record, column) for column in MemberRecord.__slots__}))
    return record


def list_members(
    connection: Connection, scope: Scope, organization_id: str, *, after: str, limit: int
) -> Sequence[MemberRecord]:
    """Members of an organization within a scope, by id from behind ``after``."""
    statement = select(members).where(
        *scope.within(members), members.c.organization_id == organization_id, members.c.id > after
    )
    return [_record(row) for row in connection.execute(statement.order_by(members.c.id).limit(limit)).mappings()]


def find_member(connection: Connection, scope: Scope, organization_id: str | None, member_id: str) -> MemberRecord:
    """One member of an organization.

    Raises:
        NotFoundError: there is none in this scope.
    """
    mine = (members.c.organization_id == organization_id, members.c.id == member_id)
    row = connection.execute(select(members).where(*scope.within(members), *mine)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("no such member")
    return _record(row)


def invited_member(connection: Connection, member_id: str) -> MemberRecord | None:
    """Whom an invitation is for; None when the invitation was taken back or accepted. Its link is the leave to ask."""
    mine = (members.c.id == member_id, members.c.user_id.is_(None))
    row = connection.execute(select(members).where(*mine)).mappings().one_or_none()
    return None if row is None else _record(row)


def change_member(connection: Connection, member: MemberRecord, role: MemberRole) -> MemberRecord:
    """Another role at the same place."""
    connection.execute(update(members).where(members.c.id == member.id).values(role=role.value))
    return replace(member, role=role.value)


def join_member(connection: Connection, member: MemberRecord, user_id: str, now: Micros) -> MemberRecord:
    """The invited person is here."""
    connection.execute(update(members).where(members.c.id == member.id).values(user_id=user_id, joined_at=now))
    return replace(member, user_id=user_id, joined_at=now)


def remove_member(connection: Connection, member: MemberRecord) -> None:
    """End a role, or an invitation with its link."""
    drop_links(connection, Purpose.INVITATION, member.id)
    connection.execute(delete(members).where(members.c.id == member.id))


def _record(row: RowMapping) -> MemberRecord:
    return MemberRecord(**{column: row[column] for column in MemberRecord.__slots__})
