"""A whole installation in one process, without processes: webhooks, ingest and drains over one store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import insert, select

from app.core.clock import Micros
from app.core.ids import delivery_id
from app.core.states import DeliveryState
from app.delivery.delivery_list import DeliveryRow, list_deliveries
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.history import AttemptView, get_delivery
from app.delivery.runtime import RuntimeLoader
from app.ingest.accept import IngestResult, IngestService
from app.routing.own_audit import NoAudit
from app.routing.own_changes import OwnChanges
from app.routing.webhook_change import ChangeRules
from app.routing.webhook_input import NewWebhook, WebhookPatch
from app.routing.webhooks import WebhookService
from app.security.permissions import Role
from app.security.principal import Principal
from app.security.scope import Scope
from app.security.vault import open_vault
from app.sinks.manager import SinkManager
from app.sinks.protocol import Sink
from app.store import Store
from app.store.due import due_partitions
from app.store.ledger import Ledger, WebhookLedger, read_ledger
from app.store.partitions import new_lease_token
from app.store.tables import organizations, webhooks

PLATFORM = Scope()
ADMIN = Principal("key_test", Role.ADMIN, None, None)
AUDIT = "entrypoint.configuration.audit"


class Rings:
    """A doorbell that remembers who was rung."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    def ring(self, partitions: Collection[int]) -> None:
        self.partitions.extend(partitions)


class Shelf(SinkManager):
    """The built-in sinks, and what a test puts beside them or takes away."""

    def __init__(self) -> None:
        super().__init__(strict=True)
        self.load()

    def put(self, sink: Sink) -> None:
        self._sinks[sink.info.name] = sink

    def take_away(self, name: str) -> Sink:
        return self._sinks.pop(name)


@dataclass(frozen=True)
class Hook:
    """A webhook of a test."""

    id: str
    pk: int
    partition: int


class World:
    """What a test does to an installation, in one line each."""

    def __init__(self, store: Store, clock: Callable[[], Micros], instance: Path) -> None:
        self.store = store
        self.clock = clock
        self.rings = Rings()
        self.sinks = Shelf()
        self.vault = open_vault(instance, None)
        self.webhooks = WebhookService(
            store,
            ChangeRules(self.vault, self.sinks),
            check_target=lambda _url: None,
            changes=OwnChanges(store, NoAudit(), self.rings),
            clock=clock,
            random_bytes=secrets.token_bytes,
        )
        self.ingest = IngestService(store, clock, self.rings)
        self.add_organization("acme")

    def add_organization(self, organization: str) -> None:
        with self.store.write() as connection:
            row = {"id": organization, "name": organization.title(), "created_at": self.clock()}
            connection.execute(insert(organizations).values(row))

    def add_webhook(
        self,
        url: str,
        *,
        mode: str = "instant",
        sink: str = "webhook",
        organization: str = "acme",
        context: str | None = None,
        **patch: Any,
    ) -> Hook:
        new = NewWebhook.model_validate(
            {"type": mode, "name": "hook", "organization_id": organization, "context_id": context}
        )
        made = self.webhooks.create(PLATFORM, new)
        self.change(made["id"], sink=sink, endpoint_url=url, **patch)
        return self.hook(made["id"])

    def hook(self, webhook_id: str) -> Hook:
        with self.store.read() as connection:
            row = connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one()
        return Hook(row.id, row.pk, row.partition)

    def change(self, webhook_id: str, **patch: Any) -> dict[str, Any]:
        return self.webhooks.patch(PLATFORM, webhook_id, WebhookPatch.model_validate(patch))

    def webhook(self, hook: Hook) -> dict[str, Any]:
        return self.webhooks.get(PLATFORM, hook.id)

    def send(self, *events: dict[str, Any], principal: Principal = ADMIN) -> IngestResult:
        return self.ingest.accept(orjson.dumps(list(events)), "application/json", {}, principal)

    def send_numbers(self, *numbers: int) -> IngestResult:
        return self.send(*(audit(number) for number in numbers))

    def drain(self, client: EgressClient) -> Drain:
        with self.store.write() as connection:
            token = new_lease_token(connection)
        loader = RuntimeLoader(self.vault, self.sinks)
        return Drain(
            self.store, client, loader, token, clock=self.clock, random_bytes=secrets.token_bytes, jitter=lambda: 0.0
        )

    def deliver(self, drain: Drain) -> None:
        """Hand the drain every partition that has something due, as the tick does, and run it until it is quiet."""
        with self.store.read() as connection:
            settle(drain, due_partitions(connection, self.clock()))

    def states(self, hook: Hook) -> list[DeliveryState]:
        return [row.state for row in self.deliveries(hook)]

    def deliveries(self, hook: Hook) -> list[DeliveryRow]:
        """Oldest first."""
        with self.store.read() as connection:
            return list_deliveries(connection, hook.id, PLATFORM, limit=1_000).rows[::-1]

    def attempts(self, hook: Hook, number: int = 0) -> list[AttemptView]:
        row = self.deliveries(hook)[number]
        with self.store.read() as connection:
            return get_delivery(connection, delivery_id(hook.id, row.event_seq), PLATFORM)[1]

    def ledger(self) -> Ledger:
        with self.store.snapshot() as connection:
            return read_ledger(connection)

    def account(self, hook: Hook) -> WebhookLedger:
        return next(one for one in self.ledger().webhooks if one.webhook_id == hook.id)


def audit(number: int, **more: Any) -> dict[str, Any]:
    """An event as a source sends it."""
    event = {
        "id": f"event-{number}",
        "eventId": AUDIT,
        "organizationId": "acme",
        "timestamp": "2026-04-19T12:34:56Z",
        "userEmail": "owner@example.com",
        "action": "UPDATE",
        "changes": [{"field": "name", "before": "old", "after": f"new {number}"}],
    }
    return event | more


def step(drain: Drain, admit: Collection[int] = ()) -> set[int]:
    """One round, as the engine's thread makes it; answers the partitions to admit again."""
    again: set[int] = set()
    if drain.turn_is_due(admitting=bool(admit)):
        again = drain.turn(admit)
    drain.launch()
    if not drain.is_idle:
        drain.poll(0.0 if again or drain.turn_is_due(admitting=False) else min(drain.wait_s(), 0.02))
    return again


def settle(drain: Drain, admit: Collection[int], patience_s: float = 15.0) -> None:
    """Rounds until nothing is held, in flight or unrecorded."""
    end = time.monotonic() + patience_s
    again = set(admit)
    while True:
        again = step(drain, again)
        if drain.is_idle and not again:
            return
        assert time.monotonic() < end, "the drain does not come to rest"
