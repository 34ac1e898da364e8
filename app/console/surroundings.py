"""What lies around a page: the other places that the scope switcher offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.console.pages import Visit
from app.console.place import service_title
from app.core.errors import NotFoundError
from app.security.person import Membership
from app.security.scope import Scope
from app.services import Services

_OFFERED = 100
"""Contexts in the switcher; an organization with more has a page of them."""


@dataclass(frozen=True, slots=True)
class Around:
    """The contexts of an organization that a visitor may go to, and the service of this one."""

    service: str
    contexts: list[dict[str, Any]]


class Surroundings:
    """Answers what lies around a visit."""

    def __init__(self, services: Services) -> None:
        self._places = services.places

    def __call__(self, visit: Visit) -> Around:
        """The places around this one."""
        place = visit.here
        scope = Scope(place.organization_id)
        if visit.person.principal_at(place.organization_id) is not None:
            contexts, _ = self._places.contexts(scope, place.organization_id, limit=_OFFERED)
        else:
            mine = [one for one in visit.person.memberships if one.organization_id == place.organization_id]
            contexts = [found for one in mine[:_OFFERED] if (found := self._context(scope, one))]
        return Around(service_title(place.service or ""), contexts)

    def _context(self, scope: Scope, membership: Membership) -> dict[str, Any] | None:
        if membership.organization_id is None or membership.context_id is None:
            return None
        try:
            return self._places.context(scope, membership.organization_id, membership.context_id)
        except NotFoundError:
            return None
