"""Canonical events that exercise a sink: empty, unicode, huge, nested, null. For tests and for previews."""

from __future__ import annotations

from typing import Any

import orjson

from app.sinks.types import Event

SAMPLE_TYPE = "entrypoint.configuration.audit"
HUGE_BYTES = 1_000_000
"""A field of about one megabyte: more than most receivers take in one event."""

_HOSTILE = 'quote " backslash \\ newline \n tab \t pipe | bracket ] equals = tag <script> null \u0000 é 漢字 🔐 \u202e'


def canonical(event_id: str, **overrides: Any) -> dict[str, Any]:
    """A complete canonical event, with some fields replaced."""
    event: dict[str, Any] = {
        "id": event_id,
        "type": SAMPLE_TYPE,
        "occurred_at": "2026-04-19T02:34:56.118Z",
        "received_at": "2026-04-19T02:34:57.002Z",
        "organization": {"id": "607551", "name": "Contoso"},
        "service": "entrypoint",
        "context": {"id": "ctx_9", "name": "HQ Dot1x"},
        "actor": {"type": "admin", "id": "u_12", "email": "admin@example.com"},
        "action": "update",
        "entity": {"type": "ip_allowlist", "id": "acl_1", "name": "RADIUS Access Restrictions"},
        "description": "Updated RADIUS Access Restrictions",
        "changes": [
            {
                "field": "RADIUS Access Restrictions",
                "path": "network_integration.access_restrictions.cidrs",
                "before": ["203.0.113.0/28"],
                "after": ["0.0.0.0/0"],
                "secret": False,
            }
        ],
        "tags": ["ip_allowlist"],
        "sensitivity": 5,
        "sensitivity_rule": "network_integration.access_restrictions opened",
        "outside_change_window": True,
        "change_windows": [],
        "metadata": {"source_ip": "192.0.2.7"},
        "source": {"format": "nested"},
    }
    return event | overrides


def sample_event(event_id: str = "evt_sample", **overrides: Any) -> Event:
    """``canonical`` as the ``Event`` a sink receives."""
    return Event(event_id, SAMPLE_TYPE, orjson.dumps(canonical(event_id, **overrides)))


def odd_events() -> dict[str, Event]:
    """Events at the edges of what the host may hand over, by what is odd about them."""
    nested: Any = "leaf"
    for depth in range(40):
        nested = {"level": depth, "inner": [nested]}
    nulls = dict.fromkeys(canonical("evt_nulls"))
    minimal = {"id": "evt_minimal", "type": SAMPLE_TYPE}
    return {
        "plain": sample_event("evt_plain"),
        "minimal": Event("evt_minimal", SAMPLE_TYPE, orjson.dumps(minimal)),
        "empty": sample_event("evt_empty", description="", changes=[], tags=[], metadata={}, entity=None, context=None),
        "unicode": sample_event(
            "evt_unicode",
            description=_HOSTILE,
            entity={"type": _HOSTILE, "id": _HOSTILE, "name": _HOSTILE},
            tags=[_HOSTILE],
        ),
        "huge": sample_event("evt_huge", description="x" * HUGE_BYTES),
        "nested": sample_event("evt_nested", metadata={"deep": nested}),
        "nulls": sample_event("evt_nulls", **(nulls | {"id": "evt_nulls", "type": SAMPLE_TYPE})),
    }
