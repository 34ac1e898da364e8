"""Our own changes are audited like anybody's: an event in the same transaction, for everybody but the webhook itself.

Whoever disables or re-points a webhook blinds somebody. So the change becomes an ``organization.configuration.audit``
event, routed and delivered like one that came from a source. The webhook that changed never gets the event about
itself: that ends every loop, and a webhook that was just taken over cannot be used to watch the alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from app.core.actors import describe
from app.core.audit_chain import own_event_key
from app.core.clock import Clock
from app.core.event import CanonicalEvent, Change
from app.core.ids import RandomBytes, new_id
from app.core.masking import MASK, mask_text, mask_tree
from app.core.rating import rate
from app.routing.audit_chain import extend_chain
from app.routing.match import RoutedEvent
from app.routing.owing import owed_by
from app.routing.policies import judge, policy_of
from app.routing.routing_table import OrganizationRoutes
from app.security.principal import Principal
from app.security.vault import Vault
from app.store.accepted import EventRow, lock_ingest, organization_name, write_events
from app.store.routes import read_routes

OWN_TYPE = "organization.configuration.audit"


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change: an API key by its id, a person, or the system itself."""

    type: str
    id: str | None
    email: str | None = None

    @property
    def name(self) -> str:
        """What a page calls the author."""
        return self.email or self.id or self.type

    @classmethod
    def of(cls, principal: Principal) -> Author:
        """Whoever asked for the change."""
        return cls(principal.kind, principal.id, principal.email)


SYSTEM = Author("system", None)


@dataclass(frozen=True, slots=True)
class OwnChange:
    """One change of our own configuration.

    Args:
        organization_id: whose configuration changed.
        author: who did it.
        action: create, update, delete, disable or the like, as the canonical actions have it.
        entity_type: webhook, change_window or sensitivity_rule.
        entity_id: its id.
        entity_name: its name.
        changes: what changed; values that only their own field calls secret are masked already.
        webhook_pk: the webhook that changed, which is not told; None when it was something else.
    """

    organization_id: str
    author: Author
    action: str
    entity_type: str
    entity_id: str
    entity_name: str
    changes: tuple[Change, ...]
    webhook_pk: int | None = None


class Audit(Protocol):
    """Where our own changes are written down."""

    def record(self, connection: Connection, change: OwnChange) -> frozenset[int]:
        """Write the event of a change inside its transaction; answers the partitions to ring after the commit."""
        ...


class NoAudit:
    """Writes nothing down: for a bench or a test, where every event is counted."""

    def record(self, connection: Connection, change: OwnChange) -> frozenset[int]:
        """Nothing is written."""
        del connection, change
        return frozenset()


NO_AUDIT = NoAudit()


class OwnAudit:
    """Writes our own changes as events, each chained to the one before.

    Args:
        vault: seals the end of the chain.
        clock: the time.
        random_bytes: for ids.
    """

    def __init__(self, vault: Vault, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._vault = vault
        self._clock = clock
        self._random_bytes = random_bytes

    def record(self, connection: Connection, change: OwnChange) -> frozenset[int]:
        """Write the event of a change, and the deliveries it owes, inside the change's own transaction.

        Returns:
            The partitions to ring after the commit.
        """
        now = self._clock()
        lock_ingest(connection)
        event, windows = judge(self._event(change), policy_of(connection, change.organization_id), now)
        body = event.to_json(
            received_at=now, organization_name=organization_name(connection, change.organization_id), windows=windows
        )
        routes = OrganizationRoutes(read_routes(connection, change.organization_id)).matching(None, OWN_TYPE)
        others = [route for route in routes if route.webhook_pk != change.webhook_pk]
        owed = owed_by(RoutedEvent(body, event.actor_type, windows), others, now)
        row = EventRow(
            id=event.id,
            dedupe_key=event.dedupe_key,
            organization_id=change.organization_id,
            context_id=None,
            type=OWN_TYPE,
            action=event.action,
            actor_email=change.author.email,
            sensitivity=event.sensitivity,
            occurred_at=now,
            received_at=now,
            body=body,
            owes=owed.owes,
            skips=owed.skips,
        )
        write_events(connection, [row])
        extend_chain(connection, self._vault, change.organization_id, event_id=event.id, body=body, now=now)
        return owed.partitions

    def _event(self, change: OwnChange) -> CanonicalEvent:
        event_id = new_id("evt", self._random_bytes)
        changes = tuple(_masked(one) for one in change.changes)
        name = mask_text(change.entity_name)
        rating = rate(change.action, changes, change.entity_type)
        fields = [one["field"] for one in changes]
        return CanonicalEvent(
            id=event_id,
            type=OWN_TYPE,
            organization_id=change.organization_id,
            organization_name=None,
            service="organization",
            context_id=None,
            context_name=None,
            occurred_at=self._clock(),
            actor_type=change.author.type,
            actor_id=change.author.id,
            actor_email=change.author.email,
            action=change.action,
            entity_type=change.entity_type,
            entity_id=change.entity_id,
            entity_name=name,
            description=describe(change.action, name, fields, change.entity_type),
            changes=changes,
            tags=rating.tags,
            sensitivity=rating.sensitivity,
            sensitivity_rule=rating.rule,
            metadata={"product": "Relaypoint"},
            source_format="own",
            dedupe_key=own_event_key(event_id),
        )


def _masked(change: Change) -> Change:
    """A change as an event may tell it: people put credentials into names and filters too."""
    return {**change, "before": mask_tree(change["before"]), "after": mask_tree(change["after"])}


def differences(
    place: str, before: Mapping[str, Any], after: Mapping[str, Any], *, secrets: Sequence[str] = ()
) -> tuple[Change, ...]:
    """What differs between two public views of one thing.

    Args:
        place: where it lives, such as ``webhooks[wh_1]``.
        before: the view as it was; empty for something new.
        after: the view as it is; empty for something that is gone.
        secrets: fields whose secret value changed, which no view can show.
    """
    names = sorted((before.keys() | after.keys()) - _UNTOLD - set(secrets))
    changed = [name for name in names if before.get(name) != after.get(name)]
    told = [_change(place, name, before.get(name), after.get(name), secret=False) for name in changed]
    return (*told, *(_change(place, name, MASK, MASK, secret=True) for name in secrets))


_UNTOLD = frozenset({"id", "organization_id", "version", "updated_at", "created_at", "partition", "health"})


def _change(place: str, name: str, before: Any, after: Any, *, secret: bool) -> Change:
    return Change(field=name, path=f"{place}.{name}", before=before, after=after, secret=secret)
