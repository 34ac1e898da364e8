"""The overview of a place: the last day at a glance, what needs attention, what changed last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.console.drawing import result_bars
from app.console.flow import Flow, Side, flow_picture
from app.console.outcomes import method_lines
from app.console.pages import PageTable, Visit, render
from app.console.views.audit_log import audit_row
from app.console.words import webhook_state
from app.delivery.results import Period, Results, results_of
from app.delivery.under_way import UnderWay, under_way
from app.routing.event_history import EventFilter
from app.routing.traffic import Traffic, traffic_of_day
from app.security.permissions import Permission
from app.services import Services

_WEBHOOKS = 200
"""Webhooks that the figures cover."""
_EVENTS = 8


def overview_pages(services: Services) -> PageTable:
    """The first page of a place."""
    table = PageTable()

    @table.get("", needs=Permission.EVENTS_READ)
    def overview(visit: Visit) -> Any:
        place = visit.here
        webhooks = services.webhooks.page(
            visit.scope, after=0, limit=_WEBHOOKS, organization_id=place.organization_id, context_id=place.context_id
        ).items
        ids = [one["id"] for one in webhooks]
        with services.store.read() as connection:
            results = results_of(connection, place.organization_id, ids, services.clock())
            waiting = sum(under_way(connection, place.organization_id, ids).values(), UnderWay(0, is_more=False))
            traffic = traffic_of_day(connection, visit.scope, services.clock())
        latest, _ = services.events.page(visit.scope, EventFilter(), before=None, limit=_EVENTS)
        whole = _together(results.values())
        return render(
            "overview.html",
            visit,
            day=whole.whole,
            waiting=waiting,
            traffic=traffic,
            picture=result_bars(whole, place.title),
            flow=_flow(services, visit, webhooks, results, traffic),
            troubled=[one | {"shown": webhook_state(one)} for one in webhooks if _needs_attention(one)],
            has_webhooks=bool(webhooks),
            rows=[audit_row(event) for event in latest],
            radius=_radius(services, visit),
        )

    return table


def _together(results: Iterable[Results]) -> Results:
    """The bars of all webhooks added up."""
    found = Results(Period.DAY)
    for one in results:
        found.add(one)
    return found


def _needs_attention(webhook: dict[str, Any]) -> bool:
    return webhook["state"] != "enabled" or webhook["health"]["state"] in {"failing", "throttled"}


def _radius(services: Services, visit: Visit) -> dict[str, Any] | None:
    place = visit.here
    if place.context_id is None:
        return None
    counts = services.radius.counts(visit.scope, place.organization_id, place.context_id)
    return counts | {"methods": method_lines(counts["methods"])}


def _flow(
    services: Services, visit: Visit, webhooks: Sequence[dict[str, Any]], results: dict[str, Results], traffic: Traffic
) -> Flow:
    place = visit.here
    contexts, _ = services.places.contexts(visit.scope, place.organization_id, limit=_WEBHOOKS)
    names = {one["id"]: one["name"] or one["id"] for one in contexts}
    sources = [
        Side(
            names.get(context or "", context or place.organization),
            of_context.events,
            of_context.per_minute,
            _audit_of(visit, context),
        )
        for context, of_context in traffic.by_context.items()
    ]
    targets = [
        Side(
            one["name"],
            results[one["id"]].whole.delivered,
            results[one["id"]].per_minute,
            visit.url("webhooks", one["id"]),
            webhook_state(one).tone,
        )
        for one in webhooks
        if one["state"] != "needs_endpoint"
    ]
    return flow_picture(sources, targets)


def _audit_of(visit: Visit, context: str | None) -> str:
    return visit.url("audit", context=context) if visit.here.context_id is None else visit.url("audit")
