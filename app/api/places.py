"""``/v1/organizations`` and their contexts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.routing.place_change import OrganizationPatch
from app.routing.places import NewContext, NewOrganization
from app.security.permissions import Permission
from app.services import Services


def place_routes(services: Services) -> RouteTable:
    """Routes of organizations and contexts."""
    table = RouteTable()
    places = services.places

    @table.add(
        "POST",
        "/v1/organizations",
        access=Permission.ORGANIZATIONS_WRITE,
        summary="Create an organization",
        status=HTTPStatus.CREATED,
        body=NewOrganization,
    )
    def create_organization(call: Call) -> dict[str, Any]:
        return places.create_organization(call.scope, call.body)

    @table.add(
        "GET",
        "/v1/organizations",
        access=Permission.ORGANIZATIONS_READ,
        summary="List organizations",
        query=PageQuery,
    )
    def list_organizations(call: Call) -> dict[str, Any]:
        return page(*places.organizations(call.scope, after=call.query.text_after, limit=call.query.limit))

    @table.add(
        "GET",
        "/v1/organizations/<organization>",
        access=Permission.ORGANIZATIONS_READ,
        summary="Show an organization",
    )
    def get_organization(call: Call, organization: str) -> dict[str, Any]:
        return places.organization(call.scope, organization)

    @table.add(
        "PATCH",
        "/v1/organizations/<organization>",
        access=Permission.ORGANIZATIONS_WRITE,
        summary="Change the name or the time zone of an organization",
        body=OrganizationPatch,
    )
    def patch_organization(call: Call, organization: str) -> dict[str, Any]:
        return services.place_changes.change_organization(call.scope, organization, call.body, call.author)

    @table.add(
        "POST",
        "/v1/organizations/<organization>/contexts",
        access=Permission.ORGANIZATIONS_WRITE,
        summary="Create a context",
        status=HTTPStatus.CREATED,
        body=NewContext,
    )
    def create_context(call: Call, organization: str) -> dict[str, Any]:
        return places.create_context(call.scope, organization, call.body)

    @table.add(
        "GET",
        "/v1/organizations/<organization>/contexts",
        access=Permission.ORGANIZATIONS_READ,
        summary="List contexts",
        query=PageQuery,
    )
    def list_contexts(call: Call, organization: str) -> dict[str, Any]:
        return page(*places.contexts(call.scope, organization, after=call.query.text_after, limit=call.query.limit))

    return table
