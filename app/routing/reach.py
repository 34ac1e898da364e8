"""What a webhook's present routing lets it have, said as a filter for the database: for backfills, which look back."""

from __future__ import annotations

from app.store.replay_sets import Reach
from app.store.routes import Route


def reach_of(route: Route) -> Reach:
    """The events that :func:`app.routing.match.refusal` would not refuse to a route that is enabled."""
    return Reach(route.organization_id, route.context_id, route.event_types, route.muted_contexts)
