"""The Service Contexts of an organization, and the devices that RADIUS saw in a context's groups."""

from __future__ import annotations

from typing import Any

from flask import request

from app.console.outcomes import device_bar, outcome_bar
from app.console.own_address import own_address
from app.console.pages import At, PageTable, Visit, render
from app.console.place import url
from app.routing.traffic import traffic_of_day
from app.routing.webhook_counts import webhooks_by_context
from app.security.permissions import Permission
from app.services import Services

_SHOWN = 50


def context_pages(services: Services) -> PageTable:
    """Contexts, groups and devices."""
    table = PageTable()
    places, radius = services.places, services.radius

    @table.get("contexts", needs=Permission.ORGANIZATIONS_READ, at=At.ORGANIZATION)
    def contexts(visit: Visit) -> Any:
        organization, after = visit.here.organization_id, request.args.get("after", "")
        found, following = places.contexts(visit.scope, organization, after=after, limit=_SHOWN)
        with services.store.read() as connection:
            traffic = traffic_of_day(connection, visit.scope, services.clock())
            webhooks = webhooks_by_context(connection, visit.scope)
        counts = radius.counts_of(visit.scope, organization, [one["id"] for one in found])
        rows = [
            one
            | {
                "url": url(visit.here.up, "c", one["id"]),
                "events": traffic.of(one["id"]).events,
                "webhooks": webhooks.get(one["id"], 0),
                "radius": (radius_of := counts[one["id"]]),
                "outcomes": outcome_bar("RADIUS", radius_of["accepted"], radius_of["rejected"]),
            }
            for one in found
        ]
        next_url = visit.url("contexts", after=following) if following else ""
        first_url = visit.url("contexts") if after else ""
        inherited = webhooks.get(None, 0)
        return render("contexts.html", visit, rows=rows, inherited=inherited, next_url=next_url, first_url=first_url)

    @table.get("groups", needs=Permission.EVENTS_READ, at=At.CONTEXT)
    def groups(visit: Visit) -> Any:
        place, start = visit.here, request.args.get("start", "")
        context = place.context_id or ""
        found, following = radius.groups(visit.scope, place.organization_id, context, start=start, limit=_SHOWN)
        next_url = visit.url("groups", start=following) if following else ""
        most = max((one["devices"] for one in found), default=0)
        return render(
            "groups.html",
            visit,
            groups=[
                one | {"picture": device_bar(one["group_id"] or "No group", one["devices"], most)} for one in found
            ],
            address=f"{own_address(services.settings, request)}/v1/events",
            next_url=next_url,
            first_url=visit.url("groups") if start else "",
        )

    @table.get("devices", needs=Permission.EVENTS_READ, at=At.CONTEXT)
    def devices(visit: Visit) -> Any:
        place, after, group = visit.here, request.args.get("after", ""), request.args.get("group", "")[:200]
        context = place.context_id or ""
        found, following = radius.devices(visit.scope, place.organization_id, context, group, after=after, limit=_SHOWN)
        next_url = visit.url("devices", group=group, after=following) if following else ""
        first_url = visit.url("devices", group=group) if after else ""
        return render("devices.html", visit, group=group, devices=found, next_url=next_url, first_url=first_url)

    return table
