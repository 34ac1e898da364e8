"""Open Cybersecurity Schema Framework 1.8.0, class 3004 Entity Management: one JSON object per event."""

from __future__ import annotations

from typing import Any

import orjson

from plugins.siem.facts import Changed, Facts

OCSF_VERSION = "1.8.0"
CATEGORY = 3
CLASS = 3004

_OTHER = 99
ACTIVITIES = {"create": 1, "add": 1, "view": 2, "update": 3, "delete": 4, "remove": 4}
ENABLE = 8
DISABLE = 9
_SWITCHES = {("false", "true"): ENABLE, ("true", "false"): DISABLE}

SEVERITIES = {
    1: (1, "Informational"),
    2: (2, "Low"),
    3: (3, "Medium"),
    4: (4, "High"),
    5: (5, "Critical"),
}
"""``severity_id`` and ``severity`` by sensitivity."""

_USER_TYPES = {"self_service_user": 1, "admin": 2, "group_admin": 2, "system": 3, "api_token": 4}
_UNKNOWN = 0
_MICROSECONDS_PER_MS = 1000


def ocsf(facts: Facts, time_us: int, vendor: str, product: str, version: str) -> bytes:
    """One event of the class."""
    activity = activity_of(facts)
    severity, severity_name = SEVERITIES[facts.sensitivity]
    event: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": facts.action if activity == _OTHER else "",
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "time": time_us // _MICROSECONDS_PER_MS,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": 1,
        "status": "Success",
        "message": facts.description or facts.headline,
        "metadata": _metadata(facts, vendor, product, version),
        "actor": _actor(facts),
        "entity": {**_entity(facts), "data": _state(facts.changes, "before")},
        "entity_result": {**_entity(facts), "data": _state(facts.changes, "after")} if facts.changes else None,
        "src_endpoint": {"ip": str(facts.source_ip)} if facts.source_ip else None,
        "unmapped": _unmapped(facts),
    }
    for name in ("entity", "entity_result"):
        if event[name] and not event[name]["data"]:
            del event[name]["data"]
    return orjson.dumps({key: value for key, value in event.items() if value not in ("", None)})


def activity_of(facts: Facts) -> int:
    """``activity_id``: what was done, and for a switch whether it went on or off."""
    if facts.action == "update" and len(facts.changes) == 1:
        (only,) = facts.changes
        if only.path.endswith("enabled"):
            return _SWITCHES.get((only.before, only.after), ACTIVITIES["update"])
    return ACTIVITIES.get(facts.action, _OTHER if facts.action else _UNKNOWN)


def _metadata(facts: Facts, vendor: str, product: str, version: str) -> dict[str, Any]:
    metadata = {
        "version": OCSF_VERSION,
        "product": {"name": product or facts.product, "vendor_name": vendor, "version": version},
        "uid": facts.event_id,
        "event_code": facts.event_type,
        "log_name": "configuration-audit",
        "original_time": facts.occurred_at,
        "tenant_uid": facts.organization_id,
    }
    return {key: value for key, value in metadata.items() if value}


def _actor(facts: Facts) -> dict[str, Any]:
    if facts.is_system or not facts.actor:
        return {"app_name": facts.product}
    user: dict[str, Any] = {
        "uid": facts.actor_id,
        "name": facts.actor,
        "email_addr": facts.actor_email,
        "type_id": _USER_TYPES.get(facts.actor_type, _UNKNOWN),
        "org": _named(facts.organization_id, facts.organization_name),
    }
    return {"user": {key: value for key, value in user.items() if value not in ("", {})}}


def _entity(facts: Facts) -> dict[str, Any]:
    return _named(facts.entity_id, facts.thing) | {"type": facts.kind}


def _state(changes: tuple[Changed, ...], side: str) -> dict[str, str]:
    """The changed settings as they were, or as they are; an unset one is left out."""
    return {change.path: value for change in changes if (value := getattr(change, side))}


def _unmapped(facts: Facts) -> dict[str, Any]:
    """What the class has no attribute for."""
    unmapped: dict[str, Any] = {
        "context": _named(facts.context_id, facts.context_name),
        "organization": _named(facts.organization_id, facts.organization_name),
        "service": facts.service,
        "sensitivity": facts.sensitivity,
        "outside_change_window": facts.outside,
        "tags": list(facts.tags),
        "changes": [{"path": change.path, "before": change.before, "after": change.after} for change in facts.changes],
    }
    return {key: value for key, value in unmapped.items() if value not in ("", None, [], {})}


def _named(identifier: str, name: str) -> dict[str, str]:
    return {key: value for key, value in (("uid", identifier), ("name", name)) if value}
