"""Who may get what of each route: one entry per route, from which the matrix of callers follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

ROLES = ("read", "write", "admin")


class Reach(Enum):
    """Whose the thing is that a route is about."""

    CONTEXT = "of one context: nobody else's"
    WHOLE = "of the organization: its contexts may look and not change"
    LIST = "whatever the caller may see, perhaps nothing"
    PLATFORM = "of the whole platform: for callers who are bound to nothing"
    ANYBODY = "of nobody: the same for all with the role"


@dataclass(frozen=True)
class Entry:
    """A route. ``needs`` is the least role; ``ingest`` means a role that may send. ``body`` is one that works."""

    needs: str
    reach: Reach
    body: dict[str, Any] = field(default_factory=dict)
    changes: bool = True

    def allows(self, role: str) -> bool:
        if self.needs == "ingest":
            return role in {"ingest", "write", "admin"}
        return role in ROLES[ROLES.index(self.needs) :]


ORG = "/v1/organizations/<organization>"
WINDOW = {"name": "Tortuga nights", "time_intervals": [{}]}
RULE = {"name": "Tortuga rule", "pattern": {"action": ["update"]}, "sensitivity": 1}
SINCE = {"since": "2026-01-01T00:00:00Z"}
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
SUMMARY:Works
DTSTART:20260105T220000Z
DTEND:20260106T020000Z
END:VEVENT
END:VCALENDAR
"""
C1 = {"context_id": "c1"}
FILTER = {"filter": {"action": ["update"]}}


def looks(needs: str, reach: Reach, body: dict[str, Any] | None = None) -> Entry:
    return Entry(needs, reach, body or {}, changes=False)


MATRIX: dict[str, Entry] = {
    "POST /v1/organizations": Entry("admin", Reach.PLATFORM, {"name": "New"}),
    "GET /v1/organizations": looks("read", Reach.LIST),
    f"GET {ORG}": looks("read", Reach.WHOLE),
    f"PATCH {ORG}": Entry("admin", Reach.WHOLE, {"name": "New name"}),
    f"POST {ORG}/contexts": Entry("admin", Reach.WHOLE, {"service": "entrypoint", "name": "New"}),
    f"GET {ORG}/contexts": looks("read", Reach.WHOLE),
    f"GET {ORG}/keys": looks("admin", Reach.WHOLE),
    f"POST {ORG}/keys": Entry("admin", Reach.CONTEXT, {"name": "New", "role": "read", **C1}),
    f"GET {ORG}/keys/<key>": looks("admin", Reach.CONTEXT),
    f"PATCH {ORG}/keys/<key>": Entry("admin", Reach.CONTEXT, {"name": "Zanzibar"}),
    f"DELETE {ORG}/keys/<key>": Entry("admin", Reach.CONTEXT),
    "GET /v1/keys/<key>/terms": looks("admin", Reach.CONTEXT),
    "PUT /v1/keys/<key>/terms": Entry("admin", Reach.CONTEXT, {"rate_per_s": 1000}),
    "DELETE /v1/keys/<key>/terms": Entry("admin", Reach.CONTEXT),
    f"GET {ORG}/members": looks("admin", Reach.WHOLE),
    f"POST {ORG}/members": Entry("admin", Reach.CONTEXT, {"email": "new@example.com", "role": "viewer", **C1}),
    f"GET {ORG}/members/<member>": looks("admin", Reach.CONTEXT),
    f"PATCH {ORG}/members/<member>": Entry("admin", Reach.CONTEXT, {"role": "editor"}),
    f"DELETE {ORG}/members/<member>": Entry("admin", Reach.CONTEXT),
    f"POST {ORG}/members/<member>/invitation": Entry("admin", Reach.CONTEXT),
    f"GET {ORG}/change-windows": looks("read", Reach.WHOLE),
    f"POST {ORG}/change-windows": Entry("write", Reach.WHOLE, WINDOW | {"name": "Another"}),
    f"GET {ORG}/change-windows/<window>": looks("read", Reach.WHOLE),
    f"PUT {ORG}/change-windows/<window>": Entry("write", Reach.WHOLE, WINDOW),
    f"DELETE {ORG}/change-windows/<window>": Entry("write", Reach.WHOLE),
    f"POST {ORG}/change-windows/import": Entry("write", Reach.WHOLE, {"format": "icalendar", "text": CALENDAR}),
    f"POST {ORG}/change-windows/import/preview": looks("read", Reach.WHOLE, {"format": "icalendar", "text": CALENDAR}),
    f"GET {ORG}/change-windows/export": looks("read", Reach.WHOLE),
    f"POST {ORG}/change-windows/test": looks("read", Reach.WHOLE, {"time": "2026-01-01T00:00:00Z"}),
    f"POST {ORG}/change-windows/preview": looks("read", Reach.WHOLE, WINDOW),
    f"GET {ORG}/change-windows/<window>/openings": looks("read", Reach.WHOLE),
    f"GET {ORG}/sensitivity-rules": looks("read", Reach.WHOLE),
    f"POST {ORG}/sensitivity-rules": Entry("write", Reach.WHOLE, RULE | {"name": "Another"}),
    f"GET {ORG}/sensitivity-rules/<rule>": looks("read", Reach.WHOLE),
    f"PUT {ORG}/sensitivity-rules/<rule>": Entry("write", Reach.WHOLE, RULE),
    f"DELETE {ORG}/sensitivity-rules/<rule>": Entry("write", Reach.WHOLE),
    f"GET {ORG}/contexts/<context>/radius": looks("read", Reach.CONTEXT),
    f"GET {ORG}/contexts/<context>/groups": looks("read", Reach.CONTEXT),
    f"GET {ORG}/contexts/<context>/devices": looks("read", Reach.CONTEXT),
    f"GET {ORG}/sources": looks("read", Reach.WHOLE),
    f"POST {ORG}/sources": Entry("write", Reach.CONTEXT, {"kind": "github", "name": "Another", **C1}),
    f"GET {ORG}/sources/<source>": looks("read", Reach.CONTEXT),
    f"PATCH {ORG}/sources/<source>": Entry("write", Reach.CONTEXT, {"name": "Zanzibar code"}),
    f"DELETE {ORG}/sources/<source>": Entry("write", Reach.CONTEXT),
    f"POST {ORG}/sources/<source>/secret/rotate": Entry("write", Reach.CONTEXT),
    "POST /v1/events": Entry(
        "ingest",
        Reach.ANYBODY,
        {"id": "x1", "type": "entrypoint.configuration.audit", "action": "update"},
    ),
    "GET /v1/events": looks("read", Reach.LIST),
    "GET /v1/events/<event>": looks("read", Reach.CONTEXT),
    "GET /v1/events/<event>/explain": looks("read", Reach.CONTEXT),
    "GET /v1/event-types": looks("read", Reach.ANYBODY),
    "POST /v1/filters/test": looks("read", Reach.LIST, FILTER),
    "POST /v1/webhooks/<webhook>/explain": looks("read", Reach.CONTEXT),
    "POST /v1/webhooks": Entry(
        "write", Reach.CONTEXT, {"type": "instant", "name": "New", "organization_id": "acme", **C1}
    ),
    "GET /v1/webhooks": looks("read", Reach.LIST),
    "GET /v1/webhooks/<webhook>": looks("read", Reach.CONTEXT),
    "PATCH /v1/webhooks/<webhook>": Entry("write", Reach.CONTEXT, {"name": "Zanzibar hook"}),
    "DELETE /v1/webhooks/<webhook>": Entry("write", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/pause": Entry("write", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/resume": Entry("write", Reach.CONTEXT),
    "GET /v1/webhooks/<webhook>/secret": looks("write", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/secret/rotate": Entry("write", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/test": Entry("write", Reach.CONTEXT),
    "GET /v1/webhooks/<webhook>/deliveries": looks("read", Reach.CONTEXT),
    "GET /v1/deliveries/<delivery>": looks("read", Reach.CONTEXT),
    "POST /v1/deliveries/<delivery>/redeliver": Entry("write", Reach.CONTEXT),
    "GET /v1/ledger": looks("read", Reach.LIST),
    "GET /v1/webhooks/<webhook>/batches": looks("read", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/batches/close": Entry("write", Reach.CONTEXT),
    "GET /v1/batches/<batch>": looks("read", Reach.CONTEXT),
    "GET /v1/batches/<batch>/requests": looks("read", Reach.CONTEXT),
    "POST /v1/webhooks/<webhook>/redeliver": Entry("write", Reach.CONTEXT, {**SINCE, "dry_run": True}),
    "POST /v1/webhooks/<webhook>/backfill": Entry("write", Reach.CONTEXT, {**SINCE, "dry_run": True}),
    "GET /v1/webhooks/<webhook>/replays": looks("read", Reach.CONTEXT),
    "GET /v1/replays/<replay>": looks("read", Reach.CONTEXT),
    "POST /v1/replays/<replay>/cancel": Entry("write", Reach.CONTEXT),
    "GET /v1/plugins": looks("read", Reach.ANYBODY),
    "POST /v1/sinks/<sink>/render": looks("read", Reach.CONTEXT, {"event_id": "zanzibar-1"}),
}
"""Every route that wants a key."""

SIGNED = frozenset({"POST /v1/sources/<source>/events", "GET /v1/sources/<source>/events"})
"""Opened by the secret of the source; a request that is not signed with it is refused."""
PUBLIC = frozenset({"GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/openapi.json"})
"""They tell nothing about tenants."""

REFERENCES: dict[tuple[str, str], tuple[dict[str, Any], set[int]]] = {
    (f"POST {ORG}/keys", "context_id"): ({"name": "New", "role": "read", **C1}, {404}),
    (f"POST {ORG}/members", "context_id"): ({"email": "n@example.com", "role": "viewer", **C1}, {404}),
    (f"POST {ORG}/sources", "context_id"): ({"kind": "github", "name": "New", **C1}, {404}),
    ("POST /v1/webhooks", "organization_id"): (
        {"type": "instant", "name": "New", "organization_id": "{foreign}"},
        {404},
    ),
    ("POST /v1/webhooks", "context_id"): (
        {"type": "instant", "name": "New", "organization_id": "{own}", **C1},
        {404},
    ),
    ("POST /v1/filters/test", "organization_id"): ({**FILTER, "organization_id": "{foreign}", **C1}, {200, 404}),
    ("POST /v1/filters/test", "context_id"): ({**FILTER, "organization_id": "{own}", **C1}, {200, 404}),
    ("POST /v1/sinks/<sink>/render", "webhook_id"): ({"webhook_id": "<webhook>", "event": {}}, {404}),
    ("POST /v1/sinks/<sink>/render", "event_id"): ({"event_id": "zanzibar-1"}, {404}),
    ("POST /v1/sinks/<sink>/render", "event_ids"): ({"event_ids": ["zanzibar-1"]}, {404}),
}
"""Bodies that name somebody else's thing by its id, and how they are answered.

``{own}`` is the organization of whoever asks, ``{foreign}`` one that is not. An answer 200 holds nothing of the thing.
"""

OWN_NAMES = frozenset(
    {
        (f"POST {ORG}/change-windows", "contexts"),
        (f"PUT {ORG}/change-windows/<window>", "contexts"),
        (f"POST {ORG}/change-windows/preview", "contexts"),
        (f"POST {ORG}/change-windows/test", "context_id"),
        ("PATCH /v1/webhooks/<webhook>", "muted_contexts"),
        ("POST /v1/webhooks/<webhook>/explain", "muted_contexts"),
        ("POST /v1/sinks/<sink>/render", "event"),
        ("POST /v1/sinks/<sink>/render", "events"),
    }
)
"""Context names that are compared with those of the own organization's events, and whole events: no look-up."""
