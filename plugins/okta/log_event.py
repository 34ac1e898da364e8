"""From an event of Okta's system log to ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EVENT_TYPES = {
    "user.lifecycle.create": "Okta user created",
    "user.lifecycle.activate": "Okta user activated",
    "user.lifecycle.deactivate": "Okta user deactivated",
    "user.lifecycle.suspend": "Okta user suspended",
    "user.lifecycle.unsuspend": "Okta user unsuspended",
    "user.lifecycle.delete.initiated": "Okta user deleted",
    "user.account.lock": "Okta user locked out",
    "user.account.privilege.grant": "Okta administrator role granted",
    "user.account.privilege.revoke": "Okta administrator role revoked",
    "user.account.update_profile": "Okta user profile changed",
    "user.mfa.factor.deactivate": "Okta factor of a user removed",
    "user.mfa.factor.reset_all": "Okta factors of a user reset",
    "user.session.start": "Okta sign-in",
    "group.lifecycle.create": "Okta group created",
    "group.lifecycle.delete": "Okta group deleted",
    "group.user_membership.add": "Okta group member added",
    "group.user_membership.remove": "Okta group member removed",
    "application.lifecycle.create": "Okta application created",
    "application.lifecycle.update": "Okta application changed",
    "application.lifecycle.delete": "Okta application deleted",
    "application.user_membership.add": "Okta application assigned",
    "application.user_membership.remove": "Okta application unassigned",
    "policy.lifecycle.update": "Okta policy changed",
    "policy.rule.update": "Okta policy rule changed",
    "policy.rule.deactivate": "Okta policy rule deactivated",
    "system.api_token.create": "Okta API token created",
    "system.api_token.revoke": "Okta API token revoked",
    "zone.update": "Okta network zone changed",
}
"""Types of the system log, without our ``okta.`` before them."""

MAX_TARGETS = 20
"""Targets of one event that are told."""
_ACTIONS = {
    "create": "create",
    "add": "add",
    "grant": "add",
    "remove": "remove",
    "revoke": "remove",
    "delete": "delete",
    "start": "execute",
}
"""Our word for a word in a type; a type with none of them tells of an update."""
_ACTORS = {"SystemPrincipal": "system", "Client": "api_token", "PublicClientApp": "api_token"}
_OWN_DOING = ("user.session.", "user.authentication.", "user.mfa.")
"""Types that tell what a user did for themselves, and not to anybody else."""


def told(event: Mapping[str, Any]) -> dict[str, Any]:
    """One event of the system log, as ``POST /v1/events`` takes it; without a type the host refuses it."""
    given = event.get("eventType")
    log_type = given if isinstance(given, str) else ""
    targets = [one for one in _list(event.get("target")) if isinstance(one, Mapping)][:MAX_TARGETS]
    return {
        "id": event.get("uuid"),
        "type": f"okta.{log_type}" if log_type else None,
        "occurred_at": event.get("published"),
        "description": event.get("displayMessage"),
        "action": _action(log_type),
        "actor": _actor(log_type, event.get("actor")),
        "entity": _entity(targets[0]) if targets else None,
        "changes": [change for target in targets for change in _changes(target)],
        "metadata": {"okta": _circumstances(event, targets)},
    }


def _action(log_type: str) -> str:
    words = [word for part in reversed(log_type.split(".")) for word in part.split("_")]
    return next((_ACTIONS[word] for word in words if word in _ACTIONS), "update")


def _actor(log_type: str, actor: Any) -> dict[str, Any]:
    if not isinstance(actor, Mapping):
        return {"type": "system"}
    person = "self_service_user" if log_type.startswith(_OWN_DOING) else "admin"
    kind = _ACTORS.get(str(actor.get("type")), person)
    named = {"id": actor.get("id"), "name": actor.get("displayName")}
    return {"type": kind, **named, "email": None if kind == "system" else actor.get("alternateId")}


def _entity(target: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": target.get("type"), "id": target.get("id"), "name": target.get("displayName")}


def _changes(target: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the log says of a target's fields, where it says anything."""
    details = target.get("changeDetails")
    if not isinstance(details, Mapping):
        return
    old, new = (one if isinstance(one, Mapping) else {} for one in (details.get("from"), details.get("to")))
    for field in dict.fromkeys([*old, *new]):
        if old.get(field) != new.get(field):
            path = f"{target.get('type')}[{target.get('id')}].{field}"
            yield {"field": field, "path": path, "before": old.get(field), "after": new.get(field)}


def _circumstances(event: Mapping[str, Any], targets: list[Mapping[str, Any]]) -> dict[str, Any]:
    client, outcome = _object(event.get("client")), _object(event.get("outcome"))
    return {
        "event_type": event.get("eventType"),
        "severity": event.get("severity"),
        "outcome": outcome.get("result"),
        "reason": outcome.get("reason"),
        "ip_address": client.get("ipAddress"),
        "transaction_id": _object(event.get("transaction")).get("id"),
        "targets": [_entity(target) for target in targets[1:]],
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
