"""Choices that more than one form offers."""

from __future__ import annotations

from app.console.pages import Visit
from app.services import Services

_MAX_CONTEXTS = 100


def context_choices(services: Services, visit: Visit, chosen: str = "") -> list[tuple[str, str]]:
    """Where a role can be bound to: the organization or one of its contexts, as the value and title of an option.

    Args:
        services: the use cases.
        visit: whose page it is.
        chosen: what was chosen before. It stays a choice, though it be gone: else the form would fall back to the whole
            organization, which is more than was meant.
    """
    found, _ = services.places.contexts(visit.scope, visit.here.organization_id, limit=_MAX_CONTEXTS)
    choices = [("", "The whole organization"), *((one["id"], one["name"] or one["id"]) for one in found)]
    return choices if chosen in dict(choices) else [*choices, (chosen, chosen)]
