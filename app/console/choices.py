"""Choices that more than one form offers."""

from __future__ import annotations

from app.console.pages import Visit
from app.services import Services

_MAX_CONTEXTS = 100


def context_choices(services: Services, visit: Visit) -> list[tuple[str, str]]:
    """Where a role can be bound to: the organization or one of its contexts, as the value and title of an option."""
    found, _ = services.places.contexts(visit.scope, visit.here.organization_id, limit=_MAX_CONTEXTS)
    return [("", "The whole organization"), *((one["id"], one["name"] or one["id"]) for one in found)]
