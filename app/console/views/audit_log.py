"""The audit log: what changed, who did it, and who was told. It needs no webhook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response, request

from app.console.audit_filter import SENSITIVITIES, asked_of
from app.console.differences import differences
from app.console.pages import PageTable, Visit, render
from app.console.spreadsheet import csv_line
from app.console.words import NOT_RATED, SENSITIVITY, WINDOW, delivery_state
from app.core.actors import ACTIONS
from app.core.errors import NotFoundError
from app.core.radius import ACCOUNTING, AUTHENTICATION, RADIUS_TYPES
from app.core.whole_numbers import whole_number
from app.routing.event_history import EventFilter
from app.security.permissions import Permission
from app.security.scope import Scope
from app.services import Services

_SHOWN = 50
_CONTEXTS = 200
_PER_READ = 500
MOST_EXPORTED = 100_000
"""Events in one download; the filter's times cut a longer history into several."""
_MIMETYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
_COLUMNS = ("time", "actor", "context_id", "context", "action", "description", "sensitivity", "outside_window", "id")


def audit_log_pages(services: Services) -> PageTable:
    """The log, one event of it, and downloads."""
    table = PageTable()

    @table.get("audit", needs=Permission.EVENTS_READ)
    def audit_log(visit: Visit) -> Any:
        asked = asked_of(request.args, visit.here.zone)
        position = whole_number(request.args.get("before", ""))
        found, following = services.events.page(visit.scope, asked.wanted, before=position, limit=_SHOWN)
        return render(
            "audit_log.html",
            visit,
            asked=asked,
            rows=[audit_row(event) for event in found],
            has_windows=_has_windows(services, visit),
            is_radius=asked.wanted.event_type in RADIUS_TYPES,
            event_types=_event_types(services, visit, asked.wanted.event_type),
            contexts=_contexts(services, visit, asked.wanted.context),
            next_url=visit.url("audit", **asked.typed, before=following) if following else None,
            first_url=visit.url("audit", **asked.typed) if position else None,
            actions=[("", "Any action"), *((action, action.capitalize()) for action in ACTIONS)],
            sensitivities=[("", "Any"), *SENSITIVITIES.items()],
        )

    @table.get("audit/<event>", needs=Permission.EVENTS_READ)
    def event(visit: Visit, event: str) -> Any:
        found = services.events.get(visit.scope, event, visit.here.organization_id)
        told = services.events.explain(visit.scope, event, visit.here.organization_id)["webhooks"]
        return render(
            "event.html",
            visit,
            event=found,
            row=audit_row(found),
            is_radius=found["type"] in RADIUS_TYPES,
            has_windows=_has_windows(services, visit),
            differences=differences(found["changes"]),
            told=[one | {"shown": delivery_state(one["state"], 0) if one["state"] else None} for one in told],
        )

    @table.get("audit/export/<shape>", needs=Permission.EVENTS_READ)
    def export(visit: Visit, shape: str) -> Any:
        if shape not in _MIMETYPES:
            raise NotFoundError("the audit log is exported as ndjson or csv")
        asked = asked_of(request.args, visit.here.zone)
        lines = (_lines_of_csv if shape == "csv" else _lines_of_json)(_all(services, visit, asked.wanted))
        answer = Response(lines, mimetype=_MIMETYPES[shape])
        answer.headers["content-disposition"] = f'attachment; filename="audit-log.{shape}"'
        return answer

    return table


def _event_types(services: Services, visit: Visit, asked: str | None) -> list[tuple[str, str]]:
    """What the log can be narrowed to: a type of change, or RADIUS records, which it has only then."""
    listed = [one for service in services.catalogue.by_service(visit.scope) for one in service["event_types"]]
    found = {one["id"]: one["title"] for one in listed if one["deliverable"]}
    found |= {AUTHENTICATION: "RADIUS outcomes", ACCOUNTING: "RADIUS accounting"}
    if asked is not None:
        found.setdefault(asked, asked)
    return [("", "Every change"), *found.items()]


def _contexts(services: Services, visit: Visit, asked: str | None) -> list[tuple[str, str]]:
    """What an organization's log can be narrowed to; a context's own log is narrow already."""
    if visit.here.context_id is not None:
        return []
    found, _ = services.places.contexts(visit.scope, visit.here.organization_id, limit=_CONTEXTS)
    named = {one["id"]: one["name"] or one["id"] for one in found}
    if asked is not None:
        named.setdefault(asked, asked)
    return [("", "Any"), *named.items()]


def _has_windows(services: Services, visit: Visit) -> bool:
    """Whether the organization has change windows at all: without any, everything happens outside them."""
    organization = visit.here.organization_id
    return bool(services.change_windows.all(Scope(organization), organization))


def audit_row(event: dict[str, Any]) -> dict[str, Any]:
    """An event as a line of the log."""
    actor = event["actor"]
    return {
        "id": event["id"],
        "at": event["occurred_at"],
        "actor": actor["email"] or actor["id"] or actor["type"].replace("_", " "),
        "actor_type": actor["type"].replace("_", " "),
        "context": event["context"],
        "action": event["action"],
        "description": event["description"],
        "sensitivity": SENSITIVITY.get(event["sensitivity"], NOT_RATED),
        "window": WINDOW.get(event["outside_change_window"]),
        "is_outside": event["outside_change_window"] is True,
    }


def _all(services: Services, visit: Visit, wanted: EventFilter) -> Iterator[dict[str, Any]]:
    position: int | None = None
    room = MOST_EXPORTED
    while room:
        found, position = services.events.page(visit.scope, wanted, before=position, limit=min(room, _PER_READ))
        yield from found
        room -= len(found)
        if position is None:
            return


def _lines_of_json(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for event in found:
        yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _lines_of_csv(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for event in found:
        row, context = audit_row(event), event["context"] or {"id": "", "name": ""}
        named = (context["id"], context["name"] or "")
        outside = event["outside_change_window"]
        yield csv_line(
            (
                *(row["at"], row["actor"], *named, row["action"], row["description"]),
                *(event["sensitivity"], "" if outside is None else str(outside).lower(), row["id"]),
            )
        )
