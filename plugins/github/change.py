"""From a payload of GitHub to an event: who, what, and from what to what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plugins.github.kinds import Kind

MAX_CHANGES = 100
"""Changed settings told of one payload."""
_MAX_DEPTH = 6

_ACTIONS = {
    "added": "add",
    "added_to_repository": "add",
    "blocked": "add",
    "created": "create",
    "deleted": "delete",
    "member_added": "add",
    "member_invited": "add",
    "member_removed": "remove",
    "removed": "remove",
    "removed_from_repository": "remove",
    "unblocked": "remove",
}
"""Our word for what GitHub calls it; every other action is an update."""
_SWITCHES = {
    "privatized": ("private", False, True),
    "publicized": ("private", True, False),
    "archived": ("archived", False, True),
    "unarchived": ("archived", True, False),
    "enabled": ("branch_protection", False, True),
    "disabled": ("branch_protection", True, False),
}
"""Actions that say by their name what changed."""
_SENSITIVITY = {
    ("branch_protection_configuration", "disabled"): 5,
    ("branch_protection_rule", "deleted"): 5,
    ("branch_protection_rule", "edited"): 4,
    ("deploy_key", "created"): 4,
    ("member", "added"): 4,
    ("member", "edited"): 4,
    ("meta", "deleted"): 5,
    ("organization", "member_added"): 4,
    ("public", ""): 5,
    ("repository", "deleted"): 5,
    ("repository", "publicized"): 5,
    ("repository", "transferred"): 5,
    ("repository_ruleset", "deleted"): 5,
}
"""What opens a door or takes a lock away; the rest is rated as any other change."""
_PLACES = (("repository", "full_name"), ("organization", "login"), ("team", "name"), ("enterprise", "slug"))


def told(kind: Kind, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The event of one payload, as ``POST /v1/events`` takes it."""
    action = _text(payload.get("action"))
    subject = _subject(kind, payload)
    event: dict[str, Any] = {
        "type": kind.event_type,
        "action": _ACTIONS.get(action, "update") if action else kind.action,
        "actor": _actor(payload.get("sender")),
        "entity": {"type": kind.name, "id": _text(subject.get("id")), "name": _text(subject.get(kind.label))},
        "changes": list(_changes(action, payload, subject)),
        "metadata": {"github": {"event": kind.name, "action": action, **_places(payload)}},
    }
    sensitivity = _SENSITIVITY.get((kind.name, action))
    if sensitivity is not None:
        event["sensitivity"] = sensitivity
    return event


def _subject(kind: Kind, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that changed; of an organization's members it is the member."""
    membership = payload.get("membership")
    if isinstance(membership, Mapping) and isinstance(membership.get("user"), Mapping):
        user: Mapping[str, Any] = membership["user"]
        return {**user, "role": membership.get("role")}
    found = payload.get(kind.subject)
    return found if isinstance(found, Mapping) else {}


def _actor(sender: Any) -> dict[str, Any]:
    """Apps act with a token of their own; a payload without a sender was GitHub itself."""
    if not isinstance(sender, Mapping):
        return {"type": "system"}
    kind = "api_token" if sender.get("type") == "Bot" else "admin"
    return {"type": kind, "id": _text(sender.get("id")), "name": _text(sender.get("login"))}


def _changes(action: str, payload: Mapping[str, Any], subject: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if action in _SWITCHES:
        field, before, after = _SWITCHES[action]
        yield {"field": field, "path": field, "before": before, "after": after}
        return
    found = _leaves(payload.get("changes"), (), subject)
    yield from (one for one, _ in zip(found, range(MAX_CHANGES), strict=False))


def _leaves(node: Any, path: tuple[str, ...], subject: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every old value in ``changes``; the new one stands beside it, or else in the object itself."""
    if not isinstance(node, Mapping) or len(path) > _MAX_DEPTH:
        return
    if "from" not in node:
        for name, inner in node.items():
            yield from _leaves(inner, (*path, str(name)), subject)
        return
    field = path[-1].removeprefix("old_") if path else "value"
    after = node["to"] if "to" in node else subject.get(field)
    yield {"field": field, "path": ".".join(path), "before": node["from"], "after": after}


def _places(payload: Mapping[str, Any]) -> dict[str, str]:
    """Where it happened, in GitHub's own words."""
    found = ((name, payload.get(name), label) for name, label in _PLACES)
    return {name: _text(holder.get(label)) for name, holder, label in found if isinstance(holder, Mapping)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
