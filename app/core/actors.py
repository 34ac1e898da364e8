"""Who did it, and what they did: actor types and verbs folded to our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.core.aliases import USER_EMAIL, USER_ID, USER_NAME, find, loose_id, text_of

SYSTEM = "system"

_TYPES = {
    "admin": "admin",
    "administrator": "admin",
    "organization_owner": "admin",
    "organization_context_manager": "admin",
    "organization_member": "admin",
    "group_admin": "group_admin",
    "group_administrator": "group_admin",
    "self_service_user": "self_service_user",
    "user": "self_service_user",
    "api_token": "api_token",
    "api_key": "api_token",
    "system": SYSTEM,
    "unknown": "unknown",
}

_FOLDS = {
    "create": ("created", "insert", "inserted"),
    "add": ("added",),
    "view": ("viewed", "read"),
    "update": ("updated", "modify", "modified", "edit", "edited", "change", "changed", "set", "patch", "replace"),
    "delete": ("deleted", "destroy", "destroyed"),
    "remove": ("removed",),
    "execute": ("executed", "run", "trigger", "triggered"),
    "other": (),
}
ACTIONS = tuple(_FOLDS)
"""What an actor can have done."""
_ACTIONS = {word: action for action, words in _FOLDS.items() for word in (action, *words)}
_PAST = {
    "create": "Created",
    "add": "Added",
    "view": "Viewed",
    "update": "Updated",
    "delete": "Deleted",
    "remove": "Removed",
    "execute": "Executed",
}


class Actor(NamedTuple):
    """The actor of an event. ``raw_type`` is the source's own word when it is none of ours."""

    type: str
    id: str | None
    email: str | None
    name: str | None = None
    raw_type: str | None = None


_SYSTEM_ACTOR = Actor(SYSTEM, None, None)


def read_actor(element: Mapping[str, Any]) -> Actor:
    """The actor of an element; ``system`` in any case, or nobody, is the system."""
    actor = element.get("actor")
    if type(actor) is dict:
        return _actor(
            text_of(actor.get("type")),
            loose_id(actor.get("id")),
            text_of(find(actor, ("email", "loginName", "alternateId"))),
            text_of(find(actor, ("name", "displayName"))),
        )
    word = text_of(actor)
    user_id = loose_id(find(element, USER_ID))
    email = text_of(find(element, USER_EMAIL))
    if word is not None and user_id is None and email is None:
        user_id, email = (None, word) if "@" in word else (word, None)
    return _actor(None, user_id, email, text_of(find(element, USER_NAME)))


def _actor(kind: str | None, user_id: str | None, email: str | None, name: str | None) -> Actor:
    if email is not None and email.lower() == SYSTEM:
        return Actor(SYSTEM, user_id, None, name)
    if kind is None:
        if email is None and name is None and (user_id is None or user_id.lower() == SYSTEM):
            return Actor(SYSTEM, user_id, None) if user_id else _SYSTEM_ACTOR
        return Actor("admin", user_id, email, name)
    folded = _TYPES.get(kind.lower().replace(" ", "_").replace("-", "_"))
    if folded is None:
        return Actor("unknown", user_id, email, name, kind)
    return Actor(folded, user_id, email, name)


def fold_action(verb: str | None, *, has_changes: bool) -> tuple[str, str | None]:
    """Our word for a verb, and the verb itself when folding loses its meaning.

    ``UPDATED`` and ``context.update`` give ``update``; a verb we do not know gives ``other``; no verb gives
    ``update`` when something changed.
    """
    if verb is None:
        return ("update" if has_changes else "other"), None
    word = verb.lower()
    action = _ACTIONS.get(word) or _ACTIONS.get(word.rpartition(".")[2])
    if action is None:
        return "other", verb
    return action, (verb if "." in word else None)


def describe(action: str, subject: str | None, fields: list[str], fallback: str) -> str:
    """One line for people: verb, thing, fields. ``Updated RADIUS Access Restrictions``."""
    listed = ", ".join(fields[:3]) + (f" and {len(fields) - 3} more" if len(fields) > 3 else "")  # noqa: PLR2004 - three names fit a line
    if subject and listed and subject != listed:
        listed = f"{subject}: {listed}"
    return f"{_PAST.get(action, 'Changed')} {listed or subject or fallback}"
