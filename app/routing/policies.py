"""What the organizations decided, remembered by this process and looked up again when something changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import orjson
from sqlalchemy import Connection

from app.core.clock import SECOND, Clock, Micros
from app.core.errors import InvalidInputError, NotRememberedError
from app.core.event import CanonicalEvent
from app.core.filters import read_filter
from app.core.rating import Rating
from app.core.rating.own_rules import OwnRule, apply_own_rules
from app.core.windows.decision import NO_WINDOW, NOT_JUDGED, WindowDecision, decide, judged_at
from app.core.windows.window import ChangeWindow
from app.core.windows.window_input import read_window
from app.store.engine import Store
from app.store.policies import organization_zone, policy_rows
from app.store.routes import routing_generation
from app.store.tables_policies import change_windows, sensitivity_rules

log = logging.getLogger(__name__)

STALE_AFTER: Micros = SECOND
"""A change of windows or rules counts for events received this much later, in every process."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one organization decided."""

    windows: tuple[ChangeWindow, ...] = ()
    rules: tuple[OwnRule, ...] = ()


NO_POLICY = Policy()


class KnownPolicies(Protocol):
    """Where policies are looked up."""

    def of(self, organization_id: str) -> Policy:
        """The policy of one organization."""
        ...


class Policies:
    """The policies of all organizations, read when first needed. ``memory`` is the same without the database.

    Args:
        store: the database.
        clock: the time.
        on_change: called when something that organizations decide has changed.
    """

    def __init__(self, store: Store, clock: Clock, *, on_change: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._generation = -1
        self._checked_at: Micros = 0
        self._known: dict[str, Policy] = {}
        self.memory = RememberedPolicies(self)

    def of(self, organization_id: str) -> Policy:
        """The policy of one organization, at most ``STALE_AFTER`` old.

        Raises:
            StoreUnavailableError: it could not be read.
        """
        policy = self.remembered(organization_id)
        if policy is None:
            self._check()
            policy = self._known.get(organization_id)
        if policy is None:
            policy = self._known[organization_id] = read_policy(self._store, organization_id)
        return policy

    def remembered(self, organization_id: str) -> Policy | None:
        """The policy if it is known and was looked after lately."""
        is_fresh = 0 <= self._clock() - self._checked_at < STALE_AFTER
        return self._known.get(organization_id) if is_fresh else None

    def _check(self) -> None:
        now = self._clock()
        with self._store.read() as connection:
            generation = routing_generation(connection)
        if generation != self._generation:
            self._known = {}
            self._on_change()
            self._generation = generation
        self._checked_at = now


class RememberedPolicies:
    """Policies without the database behind them."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def of(self, organization_id: str) -> Policy:
        """The policy of one organization.

        Raises:
            NotRememberedError: only the database can tell.
        """
        policy = self._policies.remembered(organization_id)
        if policy is None:
            raise NotRememberedError(organization_id)
        return policy


def read_policy(store: Store, organization_id: str) -> Policy:
    """The present policy of one organization.

    Raises:
        StoreUnavailableError: it could not be read.
    """
    with store.read() as connection:
        return policy_of(connection, organization_id)


def policy_of(connection: Connection, organization_id: str) -> Policy:
    """The policy of one organization that is true for a transaction."""
    zone = organization_zone(connection, organization_id)
    window_rows = policy_rows(connection, change_windows, organization_id)
    rule_rows = policy_rows(connection, sensitivity_rules, organization_id)
    if not window_rows and not rule_rows:
        return NO_POLICY
    windows = [_window(row["name"], row["spec"], zone or "UTC") for row in window_rows]
    return Policy(
        tuple(window for window in windows if window is not None),
        tuple(
            OwnRule(
                row["name"],
                read_filter(orjson.loads(row["pattern"])),
                row["sensitivity"],
                tuple(orjson.loads(row["tags"])),
            )
            for row in rule_rows
        ),
    )


def _window(name: str, spec: str, zone: str) -> ChangeWindow | None:
    """A stored window whose time zone this machine no longer knows says nothing: then too much is outside."""
    try:
        return read_window(name, orjson.loads(spec), local_zone=zone)
    except InvalidInputError as error:
        log.warning("change window unreadable", extra={"window": name, "field": error.field, "error": error.detail})
        return None


def judge(event: CanonicalEvent, policy: Policy, received_at: Micros) -> tuple[CanonicalEvent, WindowDecision]:
    """The event rated by the organization's rules, and what its change windows say of it. A RADIUS record is neither.

    Args:
        event: as normalised.
        policy: of its organization.
        received_at: when it came in.
    """
    if event.sensitivity is None:
        return event, NOT_JUDGED
    if policy is NO_POLICY:
        return event, NO_WINDOW
    if policy.rules:
        document = orjson.loads(event.to_json(received_at=received_at))
        built_in = Rating(event.tags, event.sensitivity, event.sensitivity_rule)
        rating = apply_own_rules(policy.rules, document, built_in)
        event = event._replace(tags=rating.tags, sensitivity=rating.sensitivity, sensitivity_rule=rating.rule)
    at = judged_at(event.occurred_at, received_at)
    decision = decide(policy.windows, at, context_id=event.context_id, tags=event.tags, actor=event.actor_email)
    return event, decision
