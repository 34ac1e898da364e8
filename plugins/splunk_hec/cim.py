"""The fields of Splunk's CIM Change data model for one event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.sinks import actor_name, changes, source_ip, text, text_at

Fields = dict[str, str | list[str]]

UNKNOWN = "unknown"
"""The model wants every field; Splunk's own add-ons say "unknown" where the source says nothing."""

_ACTIONS = {
    "add": "created",
    "create": "created",
    "delete": "deleted",
    "disable": "stopped",
    "enable": "started",
    "execute": "started",
    "read": "read",
    "remove": "deleted",
    "restart": "restarted",
    "start": "started",
    "stop": "stopped",
    "view": "read",
}
"""Our actions in the words that the model prescribes; every other one is "modified"."""

_ACCOUNTS = frozenset({"account", "admin", "administrator", "self_service_user", "user"})
"""Kinds of entity that are somebody's account: the model's Account_Management."""

_OTHER_MODELS = frozenset({"file", "directory", "registry"})
"""Object categories that would take the event out of the Change model."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def cim_fields(data: Mapping[str, Any]) -> Fields:
    """The fields the model requires, all of them, and the optional ones that the event can fill.

    ``action`` and the ``object*`` values become null in Splunk when they hold a double quote, so quotes become single.
    """
    category = object_category(text_at(data, "entity", "type"))
    actor = actor_name(data)
    entity = text_at(data, "entity", "name") or text_at(data, "entity", "id")
    found = {
        "action": _ACTIONS.get(text(data.get("action")), "modified"),
        "change_type": "AAA" if category == "user" else "configuration",
        "command": text(data.get("action")),
        "dest": text_at(data, "context", "name") or text_at(data, "organization", "name"),
        "dvc": text(data.get("service")),
        "object": entity or _first(data, "field") or category,
        "object_category": category,
        "object_id": text_at(data, "entity", "id") or entity or _first(data, "path") or category,
        "src": source_ip(data),
        "status": "success",
        "user": entity if category == "user" else actor,
        "vendor_product": text(data.get("service")),
    }
    optional = {
        "object_path": _only_path(data),
        "src_user": actor if category == "user" else "",
        "user_agent": text_at(data, "metadata", "user_agent"),
        "user_type": text_at(data, "actor", "type"),
    }
    fields: Fields = {name: _clean(value) or UNKNOWN for name, value in found.items()}
    fields["object_attrs"] = [_clean(name) for name in _changed(data)] or [UNKNOWN]
    return fields | {name: _clean(value) for name, value in optional.items() if value}


def object_category(entity_type: str) -> str:
    """The kind of entity in snake_case; ``user`` for every kind of account, as the model demands."""
    kind = _HUMP.sub("_", entity_type).lower()
    if kind in _ACCOUNTS:
        return "user"
    return f"{kind}_setting" if kind in _OTHER_MODELS else kind or "configuration"


def _changed(data: Mapping[str, Any]) -> list[str]:
    return [name for change in changes(data) if (name := text_at(change, "path") or text_at(change, "field"))]


def _first(data: Mapping[str, Any], key: str) -> str:
    """That part of the first change: what was changed, where no entity is named."""
    return next((text_at(change, key) for change in changes(data)), "")


def _only_path(data: Mapping[str, Any]) -> str:
    paths = [text_at(change, "path") for change in changes(data)]
    return paths[0] if len(paths) == 1 else ""


def _clean(value: str) -> str:
    return value.replace('"', "'")
