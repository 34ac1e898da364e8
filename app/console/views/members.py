"""Members of an organization, and of one of its contexts."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import request
from pydantic import ValidationError

from app.console.choices import context_choices
from app.console.forms import Errors, errors_of
from app.console.own_address import own_address
from app.console.pages import PageTable, Visit, done, render
from app.console.words import MEMBER
from app.core.errors import ConflictError, ForbiddenError, InvalidInputError, NoContextError
from app.routing.members import MemberPatch, NewMember
from app.security.permissions import Permission
from app.services import Services

_SHOWN = 100
_READ, _WRITE = Permission.MEMBERS_READ, Permission.MEMBERS_WRITE
ROLES = (
    ("viewer", "Viewer: sees everything but secrets"),
    ("editor", "Editor: also changes webhooks and sends again"),
    ("owner", "Owner: also decides who may do what"),
)
_Refusals = (ValidationError, InvalidInputError, ConflictError, ForbiddenError, NoContextError)


def member_pages(services: Services) -> PageTable:
    """Who may come here, and inviting somebody; at a context, those who have a role of it alone."""
    table = PageTable()
    members = services.members

    def shown(visit: Visit, errors: Errors, invitation: dict[str, Any] | None = None) -> Any:
        after = request.args.get("after", "")
        found, following = members.page(visit.scope, visit.here.organization_id, after=after, limit=_SHOWN)
        return render(
            "members.html",
            visit,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
            members=[one | {"shown": MEMBER[one["state"]]} for one in found],
            roles=ROLES,
            contexts=[]
            if visit.here.context_id
            else context_choices(services, visit, request.form.get("context_id", "")),
            errors=errors,
            typed=request.form,
            next_url=visit.url("members", after=following) if following else "",
            invitation=invitation,
        )

    def tried(visit: Visit, act: Callable[[str], dict[str, Any] | None]) -> Any:
        try:
            made = act(visit.here.organization_id)
        except _Refusals as error:
            return shown(visit, errors_of(error))
        return (
            done(visit.url("members"), "saved") if made is None else shown(visit, {}, invitation=_link(services, made))
        )

    @table.get("members", needs=_READ)
    def list_members(visit: Visit) -> Any:
        return shown(visit, {})

    @table.post("members", needs=_WRITE)
    def invite(visit: Visit) -> Any:
        asked = {name: request.form.get(name, "") for name in ("email", "role")}
        context = visit.here.context_id or request.form.get("context_id")
        asked_at: dict[str, Any] = asked | {"context_id": context or None}
        return tried(visit, lambda place: members.invite(visit.caller, place, NewMember.model_validate(asked_at)))

    @table.post("members/<member>/role", needs=_WRITE)
    def change_role(visit: Visit, member: str) -> Any:
        role = {"role": request.form.get("role", "")}

        def act(place: str) -> None:
            members.change(visit.caller, place, member, MemberPatch.model_validate(role))

        return tried(visit, act)

    @table.post("members/<member>/link", needs=_WRITE)
    def renew(visit: Visit, member: str) -> Any:
        return tried(visit, lambda place: members.renew_link(visit.caller, place, member))

    @table.post("members/<member>/remove", needs=_WRITE)
    def remove(visit: Visit, member: str) -> Any:
        return tried(visit, lambda place: members.remove(visit.caller, place, member))

    return table


def _link(services: Services, made: dict[str, Any]) -> dict[str, Any]:
    """An invitation with the whole address, to be passed on."""
    return {
        "email": made["email"],
        "url": own_address(services.settings, request) + made["invitation"]["path"],
        "expires_at": made["invitation"]["expires_at"],
    }
