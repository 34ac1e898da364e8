"""Elastic Common Schema, version 8: one JSON document per event."""

from __future__ import annotations

from typing import Any

import orjson

from plugins.siem.facts import Facts

ECS_VERSION = "8.17.0"

_TYPES = {
    "add": ["change"],
    "create": ["creation"],
    "delete": ["deletion"],
    "execute": ["change"],
    "remove": ["change"],
    "update": ["change"],
    "view": ["access"],
}
"""``event.type`` by action: only the schema's own words."""

IAM_KINDS = frozenset({"administrator", "api_token", "group", "group_device", "identity_store", "self_service_user"})
"""Things that say who may do what, or who somebody is."""

PERSON_KINDS = frozenset({"administrator", "self_service_user"})


def ecs(facts: Facts, vendor: str, product: str, version: str, original: bytes) -> bytes:
    """One document; ``original`` is kept unless it is empty."""
    module = vendor.lower()
    document: dict[str, Any] = {
        "@timestamp": facts.occurred_at,
        "ecs": {"version": ECS_VERSION},
        "message": facts.description or facts.headline,
        "event": _event(facts, module, original),
        "observer": {
            "vendor": vendor,
            "product": product or facts.product,
            "version": version,
            "type": "configuration-audit",
        },
        "organization": _named(facts.organization_id, facts.organization_name),
        "service": {"type": facts.service, **_named(facts.context_id, facts.context_name)},
        "user": _user(facts),
        "source": {"ip": str(facts.source_ip)} if facts.source_ip else {},
        "related": _related(facts),
        "tags": list(facts.tags),
        "labels": _labels(facts),
        module: {"audit": _audit(facts)},
    }
    return orjson.dumps({key: value for key, value in document.items() if value})


def _event(facts: Facts, module: str, original: bytes) -> dict[str, Any]:
    is_iam = facts.kind in IAM_KINDS
    types = _TYPES.get(facts.action, ["change"])
    if is_iam:
        types = [*types, "user" if facts.kind in PERSON_KINDS else "group"]
    event = {
        "id": facts.event_id,
        "code": facts.event_type,
        "kind": "event",
        "category": ["configuration", "iam"] if is_iam else ["configuration"],
        "type": types,
        "action": f"{facts.kind}-{facts.action or 'change'}",
        "outcome": "success",
        "severity": facts.sensitivity,
        "module": module,
        "dataset": f"{module}.audit",
        "created": facts.received_at,
        "original": original.decode(),
    }
    return {key: value for key, value in event.items() if value}


def _user(facts: Facts) -> dict[str, Any]:
    if facts.is_system:
        return {}
    user: dict[str, Any] = {"id": facts.actor_id, "name": facts.actor, "email": facts.actor_email}
    if facts.actor_type:
        user["roles"] = [facts.actor_type]
    if facts.kind in PERSON_KINDS:
        user["target"] = _named(facts.entity_id, facts.entity_name)
    return {key: value for key, value in user.items() if value}


def _related(facts: Facts) -> dict[str, list[str]]:
    people = [] if facts.is_system else [facts.actor]
    if facts.kind in PERSON_KINDS:
        people.append(facts.entity_name)
    related = {
        "user": sorted({person for person in people if person}),
        "ip": [str(facts.source_ip)] if facts.source_ip else [],
    }
    return {key: value for key, value in related.items() if value}


def _labels(facts: Facts) -> dict[str, str]:
    labels = {"sensitivity": str(facts.sensitivity), "outside_change_window": facts.where_outside}
    return {key: value for key, value in labels.items() if value}


def _audit(facts: Facts) -> dict[str, Any]:
    """What the schema has no field for. Values are texts, so that two kinds of values never fight over a mapping."""
    audit: dict[str, Any] = {
        "entity": {"type": facts.kind, **_named(facts.entity_id, facts.entity_name)},
        "changes": [
            {
                "path": change.path,
                "field": change.field,
                "before": change.before,
                "after": change.after,
            }
            for change in facts.changes
        ],
    }
    return {key: value for key, value in audit.items() if value}


def _named(identifier: str, name: str) -> dict[str, str]:
    return {key: value for key, value in (("id", identifier), ("name", name)) if value}
