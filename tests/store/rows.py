"""Rows for tests of the store, written without the layers above."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, insert, select

from app.core.clock import Micros
from app.core.radius import RADIUS_TYPES
from app.core.states import CloseReason, DeliveryState, Mode
from app.store import Store
from app.store.accepted import EventRow, write_events
from app.store.batches import ClosedBatch, close_all
from app.store.buffers import lock_buffer
from app.store.tables import batches, deliveries, organizations, webhooks

NOW: Micros = 1_800_000_000_000_000
BODY = b'{"id":"e"}'


def add_organization(connection: Connection, organization: str = "acme") -> None:
    connection.execute(insert(organizations).values(id=organization, name=organization.title(), created_at=NOW))


def add_webhook(connection: Connection, name: str, **values: Any) -> int:
    row = {
        "id": f"wh_{name:a<16}",
        "name": name,
        "organization_id": "acme",
        "mode": Mode.INSTANT,
        "sink": "webhook",
        "state": "enabled",
        "signing_sealed": b"-",
        "batch_max_events": 3,
        "batch_max_bytes": 1_000_000,
        "batch_max_age_s": 60,
        "retry_schedule": "[60]",
        "concurrency": 4,
        "partition": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    statement = insert(webhooks).values(**(row | values)).returning(webhooks.c.pk)
    return int(connection.execute(statement).scalar_one())


def event(number: int, owes: tuple[tuple[int, Micros | None], ...], **values: Any) -> EventRow:
    row = {
        "id": f"e{number}",
        "dedupe_key": number.to_bytes(16, "big"),
        "organization_id": "acme",
        "context_id": None,
        "type": "entrypoint.configuration.audit",
        "action": "update",
        "actor_email": None,
        "sensitivity": None if values.get("type") in RADIUS_TYPES else 1,
        "occurred_at": NOW,
        "received_at": NOW,
        "body": BODY,
        "owes": owes,
    }
    return EventRow(**(row | values))


def owe(store: Store, webhook_pk: int, numbers: range, due_at: Micros | None = NOW) -> None:
    """Events of these numbers, each owed to one webhook."""
    with store.write() as connection:
        write_events(connection, [event(number, ((webhook_pk, due_at),)) for number in numbers])


def one_webhook(store: Store, name: str = "hook", **values: Any) -> int:
    with store.write() as connection:
        add_organization(connection)
        return add_webhook(connection, name, **values)


def states(store: Store, webhook_pk: int) -> list[DeliveryState]:
    """The states of a webhook's deliveries in ledger order."""
    with store.read() as connection:
        found = connection.execute(
            select(deliveries.c.state).where(deliveries.c.webhook_pk == webhook_pk).order_by(deliveries.c.event_seq)
        ).scalars()
        return [DeliveryState(state) for state in found]


def delivery_rows(store: Store, webhook_pk: int) -> list[Any]:
    with store.read() as connection:
        statement = select(deliveries).where(deliveries.c.webhook_pk == webhook_pk).order_by(deliveries.c.event_seq)
        return list(connection.execute(statement))


def batch_rows(store: Store, webhook_pk: int) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(batches).where(batches.c.webhook_pk == webhook_pk)))


def close_buffer(
    store: Store, webhook_pk: int, reason: CloseReason = CloseReason.AGE, now: Micros = NOW
) -> list[ClosedBatch]:
    """Close everything that waits."""
    with store.write() as connection:
        return close_all(connection, lock_buffer(connection, webhook_pk), now, secrets.token_bytes, reason)
