"""Trying settings out on what really happened, before they are saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from app.core.errors import InvalidInputError, NotFoundError
from app.core.filters import FilterUndecidedError, read_any_filter
from app.routing.match import past_event, refusal, skip_reason
from app.routing.webhook_event_types import EVERY_TYPE, check_event_types
from app.security.scope import Scope
from app.store.engine import Store
from app.store.routes import Route, read_routes
from app.store.tables import IS_CHANGE, events

TRIED = 1_000
"""Recent events that one trial looks at; RADIUS records, which nobody can ask for, are not among them."""
SAMPLES = 5


class FilterTrial(BaseModel):
    """A filter, and the events to try it on: those of one organization or context, newest first."""

    model_config = ConfigDict(extra="forbid")
    filter: dict[str, Any]
    organization_id: str | None = None
    context_id: str | None = None


class WebhookTrial(BaseModel):
    """Settings of a webhook that are not saved; absent ones are as they are."""

    model_config = ConfigDict(extra="forbid")
    event_types: list[str] | None = None
    muted_contexts: Annotated[list[str], Field(max_length=1_000)] | None = None
    filter: dict[str, Any] | None = None
    only_outside_change_windows: bool | None = None


@dataclass(frozen=True, slots=True)
class _Past:
    """One event of the past."""

    id: str
    type: str
    context_id: str | None
    body: bytes


class Trials:
    """Trials within the caller's scope."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def filter(self, scope: Scope, trial: FilterTrial) -> dict[str, Any]:
        """How many of the last events a filter lets through, which ones, and where it says no to the others.

        Raises:
            InvalidInputError: the filter is wrong, or no organization is named and the key is bound to none.
        """
        pattern = read_any_filter(trial.filter)
        found = self._recent(scope, trial.organization_id, trial.context_id)
        refusals: Counter[str] = Counter()
        samples: list[dict[str, Any]] = []
        for past in found:
            document = orjson.loads(past.body)
            try:
                place = pattern.refusal(document)
            except FilterUndecidedError:
                place = None
            if place is not None:
                refusals[place or "/"] += 1
            elif len(samples) < SAMPLES:
                samples.append(document)
        return {
            "tried": len(found),
            "matched": len(found) - refusals.total(),
            "refused_at": dict(refusals.most_common()),
            "samples": samples,
        }

    def webhook(self, scope: Scope, webhook_id: str, trial: WebhookTrial) -> dict[str, Any]:
        """How many of the last events of its organization a webhook would get with these settings, and why not others.

        Raises:
            NotFoundError: there is no such webhook in this scope.
            InvalidInputError: naming the setting at fault.
        """
        route = _with(self._route(scope, webhook_id), trial)
        found = self._recent(scope, route.organization_id, None)
        reasons: Counter[str] = Counter()
        for past in found:
            why = refusal(route, past.context_id, past.type) or skip_reason(route, past_event(past.body))
            if why is not None:
                reasons[why] += 1
        return {"tried": len(found), "delivered": len(found) - reasons.total(), "reasons": dict(reasons.most_common())}

    def _route(self, scope: Scope, webhook_id: str) -> Route:
        with self._store.read() as connection:
            routes = read_routes(connection, scope.organization_id, webhook_id=webhook_id)
        for route in routes:
            if scope.covers(route.organization_id, route.context_id):
                return route
        raise NotFoundError("no such webhook")

    def _recent(self, scope: Scope, organization_id: str | None, context_id: str | None) -> list[_Past]:
        organization_id = organization_id or scope.organization_id
        if organization_id is None:
            raise InvalidInputError("name the organization; this key is bound to none", field="organization_id")
        wanted = [IS_CHANGE, events.c.organization_id == organization_id, *scope.within(events)]
        if context_id is not None:
            wanted.append(events.c.context_id == context_id)
        columns = (events.c.id, events.c.type, events.c.context_id, events.c.body)
        statement = select(*columns).where(*wanted).order_by(events.c.seq.desc()).limit(TRIED)
        with self._store.read() as connection:
            return [_Past(*row) for row in connection.execute(statement)]


def _with(route: Route, trial: WebhookTrial) -> Route:
    """The route as it would be, working, with the settings on trial."""
    route = replace(route, state="enabled")
    if trial.event_types is not None:
        types = check_event_types(trial.event_types)
        route = replace(route, event_types=None if EVERY_TYPE in types else frozenset(types))
    if trial.muted_contexts is not None:
        route = replace(route, muted_contexts=frozenset(trial.muted_contexts))
    if "filter" in trial.model_fields_set:
        route = replace(route, filter=None if trial.filter is None else read_any_filter(trial.filter))
    if trial.only_outside_change_windows is not None:
        route = replace(route, only_outside_change_windows=trial.only_outside_change_windows)
    return route
