"""Which webhooks get an event, and why not the others.

A Context webhook sees its own Context. An Organization webhook sees every Context and the Organization itself.
A paused webhook is still owed its events; they are held. A disabled one, or one without an endpoint, is owed nothing.
An event in reach that a filter or a change window keeps back becomes a skipped delivery, so that the ledger tells it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import orjson

from app.core.clock import AT_ONCE, Micros
from app.core.event_types import find_event_type
from app.core.filters import FilterFailedError, FilterTooCostlyError
from app.core.states import Mode
from app.core.unfinished import unfinished
from app.core.windows.decision import WindowDecision
from app.core.windows.window import WindowKind
from app.store.routes import Route

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a webhook gets an event, with the reason in a sentence."""

    webhook_id: str
    webhook_name: str
    matched: bool
    reason: str


class RoutedEvent:
    """What a route's own conditions are asked about.

    Args:
        body: the canonical event as JSON; parsed only when some filter asks.
        actor_type: who made the change.
        windows: what the organization's change windows say of it.
    """

    def __init__(self, body: bytes, actor_type: str, windows: WindowDecision) -> None:
        self._body = body
        self._actor_type = actor_type
        self._windows = windows

    @cached_property
    def document(self) -> dict[str, Any]:
        """The event as filters see it."""
        return cast("dict[str, Any]", orjson.loads(self._body))

    @property
    def expected_because(self) -> str | None:
        """Why nobody who watches for changes outside change windows needs to hear of it; None when they do."""
        if self._windows.outside is False:
            return f"inside change window {', '.join(self._windows.allowed_by)}"
        if self._actor_type == "system":
            return "the system made this change; change windows are for people"
        return None


def past_event(body: bytes) -> RoutedEvent:
    """A stored event, with the decision of the change windows that was stored with it."""
    document = orjson.loads(body)
    outside = document.get("outside_change_window") is not False
    allowed = tuple(one["name"] for one in document.get("change_windows", ()) if one["kind"] == WindowKind.ALLOW)
    return RoutedEvent(body, document["actor"]["type"], WindowDecision(outside, allowed))


def refusal(route: Route, context_id: str | None, event_type: str) -> str | None:
    """Why this route of the event's organization does not get it; None when it does."""
    known = find_event_type(event_type)
    if known is not None and not known.deliverable:
        return f"event type {event_type} is never delivered"
    if route.context_id is not None and route.context_id != context_id:
        return f"the event belongs to {_place(context_id)}, the webhook to context {route.context_id}"
    if context_id is not None and context_id in route.muted_contexts:
        return f"context {context_id} is muted for this webhook"
    if route.event_types is not None and event_type not in route.event_types:
        return f"event type {event_type} is not among the enabled ones"
    return _idle(route)


def _idle(route: Route) -> str | None:
    """Why a webhook in this state is owed nothing."""
    if route.state == "needs_endpoint":
        lacks = unfinished(has_endpoint=route.has_endpoint, has_sink=route.has_sink)
        return lacks or "the webhook is not enabled"
    return "the webhook is disabled" if route.state == "disabled" else None


def skip_reason(route: Route, event: RoutedEvent) -> str | None:
    """Why an event in reach of this route is not sent to it; None when it is.

    A filter that cannot judge so large an event in time, or whose plugin failed, lets it pass: it is better to hear too
    much.
    """
    if route.only_outside_change_windows and (why := event.expected_because) is not None:
        return why
    if route.filter is None:
        return None
    try:
        place = route.filter.refusal(event.document)
    except FilterTooCostlyError:
        log.warning("event too large for a filter, delivered", extra={"webhook": route.webhook_id})
        return None
    except FilterFailedError:
        return None
    return None if place is None else f"the filter says no at {place or '/'}"


def _place(context_id: str | None) -> str:
    return f"context {context_id}" if context_id else "the organization itself"


def due_time(route: Route, now: Micros) -> Micros:
    """When a new delivery on this route is due: at once, or when its batch is too old."""
    return now + route.batch_max_age if route.mode is Mode.BATCH else AT_ONCE


def explain(routes: Sequence[Route], context_id: str | None, event_type: str) -> list[Decision]:
    """The decision for each webhook of the event's organization."""
    decisions = []
    for route in routes:
        reason = refusal(route, context_id, event_type)
        yes = "scope and event type match" + (", held while the webhook is paused" if route.state == "paused" else "")
        decisions.append(Decision(route.webhook_id, route.name, reason is None, reason or yes))
    return decisions
