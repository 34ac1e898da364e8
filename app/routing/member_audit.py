"""What our own audit says of members. A role on the whole platform belongs to no organization, and so to no audit."""

from __future__ import annotations

from app.core.event import Change
from app.routing.own_audit import Author, OwnChange
from app.security.members import MemberRecord

Told = dict[str, str | None]


def member_added(by: Author, member: MemberRecord) -> OwnChange | None:
    """Somebody was given a role, or invited to it; None for the platform."""
    return _change(by, "create", member, None, _told(member))


def member_changed(by: Author, before: MemberRecord, after: MemberRecord) -> OwnChange | None:
    """Somebody has another role, or joined."""
    return _change(by, "update", after, _told(before), _told(after))


def member_removed(by: Author, member: MemberRecord) -> OwnChange | None:
    """Somebody lost a role, or an invitation was taken back."""
    return _change(by, "delete", member, _told(member), None)


def _told(member: MemberRecord) -> Told:
    state = "invited" if member.user_id is None else "active"
    return {"email": member.email, "role": member.role, "context_id": member.context_id, "state": state}


def _change(by: Author, action: str, member: MemberRecord, before: Told | None, after: Told | None) -> OwnChange | None:
    if member.organization_id is None:
        return None
    level = "organization" if member.context_id is None else "context"
    path = f"{level}.administrators[{member.id}]"
    return OwnChange(
        organization_id=member.organization_id,
        author=by,
        action=action,
        entity_type="member",
        entity_id=member.id,
        entity_name=member.email,
        changes=(Change(field="Member", path=path, before=before, after=after, secret=False),),
    )
