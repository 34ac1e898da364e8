"""The three events of the golden requests. They never change: a change here would break everybody's golden files."""

from __future__ import annotations

from typing import Any

import orjson

from app.sinks.types import Event

_TYPE = "entrypoint.configuration.audit"
_HOSTILE = "quote \" apostrophe ' backslash \\ newline \n tab \t pipe | bracket ] equals = tag <b> amp & é 漢字 🔐"

_COMMON: dict[str, Any] = {
    "type": _TYPE,
    "occurred_at": "2026-04-19T02:34:56.118Z",
    "received_at": "2026-04-19T02:34:57.002Z",
    "organization": {"id": "607551", "name": "Contoso"},
    "service": "entrypoint",
    "source": {"format": "nested"},
}
_EVENTS: tuple[dict[str, Any], ...] = (
    {
        "id": "evt_golden_1",
        **_COMMON,
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
        "outside_change_window": True,
        "metadata": {"source_ip": "192.0.2.7"},
    },
    {
        "id": "evt_golden_2",
        **_COMMON,
        "context": {"id": "ctx_9", "name": _HOSTILE},
        "actor": {"type": "api_token", "id": "tok_3", "email": None},
        "action": "create",
        "entity": {"type": "self_service_user", "id": None, "name": _HOSTILE},
        "description": _HOSTILE,
        "changes": [{"field": _HOSTILE, "path": "users[7].name", "before": None, "after": _HOSTILE, "secret": False}],
        "tags": ["users", _HOSTILE],
        "sensitivity": 2,
        "outside_change_window": False,
        "metadata": {_HOSTILE: {"deep": [1, 2.5, None, True, _HOSTILE]}},
    },
    {
        "id": "evt_golden_3",
        **_COMMON,
        "context": None,
        "actor": {"type": "system", "id": None, "email": None},
        "action": "other",
        "entity": None,
        "description": "",
        "changes": [],
        "tags": [],
        "sensitivity": 1,
        "outside_change_window": False,
        "metadata": {},
    },
)


def golden_events() -> list[Event]:
    """A typical event, one whose texts hold every mark there is, and one with nothing in it."""
    return [Event(event["id"], _TYPE, orjson.dumps(event)) for event in _EVENTS]
