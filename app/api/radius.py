"""``/v1/organizations/{organization}/contexts/{context}/radius`` and the devices of its groups."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.paging import PageQuery, page
from app.api.routing import Call, RouteTable
from app.security.permissions import Permission
from app.services import Services

_CONTEXT = "/v1/organizations/<organization>/contexts/<context>"


class DeviceQuery(PageQuery):
    """Which group's devices; "" = those of no group."""

    group: Annotated[str, Field(max_length=200)] = ""


def radius_routes(services: Services) -> RouteTable:
    """Routes of what was counted of RADIUS."""
    table = RouteTable()
    radius = services.radius

    @table.add("GET", f"{_CONTEXT}/radius", access=Permission.EVENTS_READ, summary="RADIUS counters of a context")
    def counts(call: Call, organization: str, context: str) -> dict[str, Any]:
        return radius.counts(call.scope, organization, context)

    @table.add(
        "GET",
        f"{_CONTEXT}/groups",
        access=Permission.EVENTS_READ,
        summary="Groups that devices were seen in",
        query=PageQuery,
    )
    def groups(call: Call, organization: str, context: str) -> dict[str, Any]:
        query = call.query
        return page(*radius.groups(call.scope, organization, context, start=query.text_after, limit=query.limit))

    @table.add(
        "GET",
        f"{_CONTEXT}/devices",
        access=Permission.EVENTS_READ,
        summary="Connected devices of a group",
        query=DeviceQuery,
    )
    def devices(call: Call, organization: str, context: str) -> dict[str, Any]:
        query = call.query
        found = radius.devices(
            call.scope, organization, context, query.group, after=query.text_after, limit=query.limit
        )
        return page(*found)

    return table
