"""``/v1/organizations/{organization}/keys`` and ``…/members``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.routing.keys import KeyPatch, NewKey
from app.routing.members import MemberPatch, NewMember
from app.security.permissions import Permission
from app.services import Services

_KEYS = "/v1/organizations/<organization>/keys"
_KEY = f"{_KEYS}/<key>"
_MEMBERS = "/v1/organizations/<organization>/members"
_MEMBER = f"{_MEMBERS}/<member>"


def key_routes(services: Services) -> RouteTable:
    """Routes of API keys."""
    table = RouteTable()
    keys = services.keys
    read, write = Permission.KEYS_READ, Permission.KEYS_WRITE

    @table.add("GET", _KEYS, access=read, summary="List API keys", query=PageQuery)
    def list_keys(call: Call, organization: str) -> dict[str, Any]:
        return page(*keys.page(call.scope, organization, after=call.query.text_after, limit=call.query.limit))

    @table.add("POST", _KEYS, access=write, summary="Create an API key", status=HTTPStatus.CREATED, body=NewKey)
    def create_key(call: Call, organization: str) -> dict[str, Any]:
        return keys.create(call.principal, organization, call.body)

    @table.add("GET", _KEY, access=read, summary="Show an API key, without its secret")
    def get_key(call: Call, organization: str, key: str) -> dict[str, Any]:
        return keys.get(call.scope, organization, key)

    @table.add("PATCH", _KEY, access=write, summary="Change the name or the end of an API key", body=KeyPatch)
    def patch_key(call: Call, organization: str, key: str) -> dict[str, Any]:
        return keys.change(call.principal, organization, key, call.body)

    @table.add("DELETE", _KEY, access=write, summary="Revoke an API key", status=HTTPStatus.NO_CONTENT)
    def revoke_key(call: Call, organization: str, key: str) -> None:
        keys.revoke(call.principal, organization, key)

    return table


def member_routes(services: Services) -> RouteTable:
    """Routes of members."""
    table = RouteTable()
    members = services.members
    read, write = Permission.MEMBERS_READ, Permission.MEMBERS_WRITE

    @table.add("GET", _MEMBERS, access=read, summary="List members and invitations", query=PageQuery)
    def list_members(call: Call, organization: str) -> dict[str, Any]:
        return page(*members.page(call.scope, organization, after=call.query.text_after, limit=call.query.limit))

    @table.add("POST", _MEMBERS, access=write, summary="Invite somebody", status=HTTPStatus.CREATED, body=NewMember)
    def invite(call: Call, organization: str) -> dict[str, Any]:
        return members.invite(call.principal, organization, call.body)

    @table.add("GET", _MEMBER, access=read, summary="Show a member")
    def get_member(call: Call, organization: str, member: str) -> dict[str, Any]:
        return members.get(call.scope, organization, member)

    @table.add("PATCH", _MEMBER, access=write, summary="Give a member another role", body=MemberPatch)
    def patch_member(call: Call, organization: str, member: str) -> dict[str, Any]:
        return members.change(call.principal, organization, member, call.body)

    @table.add("POST", f"{_MEMBER}/invitation", access=write, summary="Make another link for somebody who was invited")
    def renew_link(call: Call, organization: str, member: str) -> dict[str, Any]:
        return members.renew_link(call.principal, organization, member)

    @table.add("DELETE", _MEMBER, access=write, summary="End a role or an invitation", status=HTTPStatus.NO_CONTENT)
    def remove(call: Call, organization: str, member: str) -> None:
        members.remove(call.principal, organization, member)

    return table
