"""This stack under measurement: the real ingest, the real webhooks, real worker processes."""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterator
from pathlib import Path

import orjson
from sqlalchemy import func, insert, select

from app.core.clock import Micros, system_clock
from app.core.doorbell import SilentDoorbell
from app.core.partitions import partition_of
from app.core.states import DeliveryState
from app.delivery.engine import load_sinks
from app.demo.generator import generate
from app.demo.shapes import Shape
from app.ingest.accept import IngestService
from app.routing.own_audit import NoAudit
from app.routing.own_changes import OwnChanges
from app.routing.webhook_change import ChangeRules
from app.routing.webhook_input import NewWebhook, WebhookPatch
from app.routing.webhooks import WebhookService
from app.security.permissions import Role
from app.security.principal import Principal
from app.security.scope import Scope
from app.security.vault import open_vault
from app.settings import Settings
from app.store import Store, open_store
from app.store.ledger import read_ledger
from app.store.migrate import migrate
from app.store.tables import attempts, deliveries, organizations

WEBHOOKS = 8
"""Webhooks, each in a partition and an organization of its own: one delivery per event, work for every worker."""

EVENT_BYTES = 1_300
"""Size of a stored event."""

PRINCIPAL = Principal("bench", Role.ADMIN, None, None)
_INGEST_GROUP = 2_000
_SEED = 1
_PADDING = "Changed in the console by an administrator on duty, as asked for in the change request. "


def bench_settings(instance: Path, database_url: str, redis_url: str | None = None) -> Settings:
    """The settings of a measured stack: loopback may be dialled, everything else as shipped."""
    return Settings(instance=instance, database_url=database_url, redis_url=redis_url, egress_allow=("127.0.0.0/8",))


def as_environment(settings: Settings) -> dict[str, str]:
    """The same settings for a child process."""
    return {
        "RELAYPOINT_INSTANCE": str(settings.instance),
        "RELAYPOINT_DATABASE_URL": settings.database_url,
        "RELAYPOINT_REDIS_URL": settings.redis_url or "",
        "RELAYPOINT_EGRESS_ALLOW": ",".join(settings.egress_allow),
    }


def backlog(settings: Settings, receiver_url: str, number: int) -> list[int]:
    """Migrate, create the webhooks, ingest ``number`` events for them; answers the partitions with work."""
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    try:
        create_organizations(store, places())
        taken: set[int] = set()
        for place in places():
            taken.add(partition_of(create_webhook(settings, store, place, receiver_url, taken)))
        ingest = IngestService(store, system_clock, SilentDoorbell())
        for body in event_bodies(places(), number):
            ingest.accept(body, "application/json", {}, PRINCIPAL)
    finally:
        store.close()
    return sorted(taken)


def places() -> list[str]:
    """The organizations of a measured stack."""
    return [f"90000{place}" for place in range(1, WEBHOOKS + 1)]


def event_bodies(places: list[str], number: int, group: int = _INGEST_GROUP) -> Iterator[bytes]:
    """Ingest bodies of ``group`` events, ``number`` in all, spread evenly over the organizations."""
    base, extra = divmod(number, len(places))
    for index, place in enumerate(places):
        share = base + (index < extra)
        raw = [padded(event) for event in generate(_SEED + index, share, Shape.FLAT, organization_id=place)]
        for start in range(0, len(raw), group):
            yield orjson.dumps(raw[start : start + group])


def raw_bodies(number: int) -> list[bytes]:
    """Events of the size of stored ones, for whoever sends without a database."""
    raw = [event for body in event_bodies(["900001"], number) for event in orjson.loads(body)]
    return [orjson.dumps(event).ljust(EVENT_BYTES) for event in raw]


def padded(event: dict[str, object]) -> dict[str, object]:
    """An event with a remark that brings its stored form to about :data:`EVENT_BYTES`."""
    missing = max(0, EVENT_BYTES - len(orjson.dumps(event)) - 180)
    remark = (_PADDING * (missing // len(_PADDING) + 1))[:missing]
    return {**event, "remark": remark}


def create_organizations(store: Store, places: list[str]) -> None:
    """Organizations by id."""
    with store.write() as connection:
        rows = [{"id": place, "name": f"Bench {place}", "created_at": system_clock()} for place in places]
        connection.execute(insert(organizations), rows)


def create_webhook(settings: Settings, store: Store, place: str, receiver_url: str, taken: Container[int] = ()) -> str:
    """A webhook with an endpoint, made by the service that the API uses; answers its id.

    Args:
        settings: of the stack.
        store: its database.
        place: the organization.
        receiver_url: its endpoint.
        taken: partitions it must not be in.
    """
    service = WebhookService(
        store,
        ChangeRules(open_vault(settings.instance, settings.secret_keys), load_sinks(settings)),
        check_target=lambda _url: None,
        changes=OwnChanges(store, NoAudit(), SilentDoorbell()),
        clock=system_clock,
        random_bytes=secrets.token_bytes,
    )
    everything = Scope(None, None)
    while True:
        # One whose partition is taken stays without an endpoint, and gets nothing.
        made = service.create(everything, NewWebhook(type="instant", name="bench", organization_id=place))
        if partition_of(made["id"]) not in taken:
            break
    change = WebhookPatch(sink="webhook", endpoint_url=receiver_url, headers={"x-team": "audit"})
    service.patch(everything, made["id"], change)
    return str(made["id"])


def nothing_is_open(store: Store) -> bool:
    """Whether every delivery is settled: a probe of the partial index, however many rows there are."""
    with store.read() as connection:
        return connection.execute(select(1).where(deliveries.c.due_at.is_not(None)).limit(1)).first() is None


def first_start(store: Store) -> Micros:
    """When the first attempt began."""
    with store.read() as connection:
        return int(connection.execute(select(func.min(attempts.c.started_at))).scalar_one())


def check_ledger(store: Store, number: int) -> None:
    """Refuse to report a rate for anything but ``number`` proved deliveries.

    Raises:
        RuntimeError: the ledger says something else.
    """
    with store.snapshot() as connection:
        ledger = read_ledger(connection)
        tried = connection.execute(select(func.count()).select_from(attempts)).scalar_one()
        states = connection.execute(select(deliveries.c.state).distinct()).scalars().all()
    if not ledger.balanced or ledger.total("delivered") != number or tried != number:
        raise RuntimeError(
            f"not a clean run: {ledger.total('delivered')} of {number} delivered in {tried} attempts, states "
            f"{[DeliveryState(state).name for state in states]}"
        )
