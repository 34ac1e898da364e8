"""Any number of webhooks with a backlog, written straight to the tables: through the API that would take minutes.

The first webhook is made as a user makes it. The others are its copies, each with an id, a partition and sealed fields
of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from app.core.clock import AT_ONCE, system_clock
from app.core.doorbell import SilentDoorbell
from app.core.ids import new_id
from app.core.partitions import partition_of
from app.core.states import DeliveryState
from app.ingest.accept import IngestService
from app.security.sealed_fields import ENDPOINT, SIGNING
from app.security.vault import Vault, open_vault
from app.settings import Settings
from app.store import Store, open_store
from app.store.accepted import DELIVERY_COLUMNS
from app.store.accounts import raise_accounts
from app.store.bulk import bulk_insert
from app.store.migrate import migrate
from app.store.tables import deliveries, events, webhooks
from bench import stack

PLACE = "900001"
_CHUNK = 20_000


def crowd(settings: Settings, urls: Sequence[str], event_count: int, *, everybody: bool) -> None:
    """Migrate, take events in, make a webhook for every URL, and owe the events to them.

    Args:
        settings: of the stack.
        urls: one per webhook; a URL may come again.
        event_count: how many events there are.
        everybody: True owes every event to every webhook; False owes each event to one, in turn.
    """
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    try:
        stack.create_organizations(store, [PLACE])
        ingest = IngestService(store, system_clock, SilentDoorbell())
        for body in stack.event_bodies([PLACE], event_count):
            ingest.accept(body, "application/json", {}, stack.PRINCIPAL)
        pks = _make_webhooks(settings, store, urls)
        with store.write() as connection:
            _owe(connection, pks, event_count, everybody=everybody)
    finally:
        store.close()


def crowd_beside_places(settings: Settings, urls: Sequence[str], event_count: int) -> None:
    """:func:`crowd` with everything owed to everybody, and the other places, whose events warm up a web process."""
    crowd(settings, urls, event_count, everybody=True)
    store = open_store(settings.database_url)
    stack.create_organizations(store, [place for place in stack.places() if place != PLACE])
    store.close()


def _make_webhooks(settings: Settings, store: Store, urls: Sequence[str]) -> list[int]:
    first = stack.create_webhook(settings, store, PLACE, urls[0])
    vault = open_vault(settings.instance, settings.secret_keys)
    with store.write() as connection:
        model = dict(connection.execute(select(webhooks).where(webhooks.c.id == first)).mappings().one())
        secret = vault.open(model["signing_sealed"], organization=PLACE, webhook=first, field=SIGNING)
        rows = [_copy(model, vault, secret, url, model["pk"] + offset) for offset, url in enumerate(urls[1:], 1)]
        if rows:
            connection.execute(insert(webhooks), rows)
        return list(connection.execute(select(webhooks.c.pk).order_by(webhooks.c.pk)).scalars())


def _copy(model: dict[str, Any], vault: Vault, secret: bytes, url: str, pk: int) -> dict[str, Any]:
    own = new_id("wh", secrets.token_bytes)
    return {
        **model,
        "pk": pk,
        "id": own,
        "partition": partition_of(own),
        "headers_sealed": None,
        "header_names": "[]",
        "endpoint_sealed": vault.seal(url.encode(), organization=PLACE, webhook=own, field=ENDPOINT),
        "signing_sealed": vault.seal(secret, organization=PLACE, webhook=own, field=SIGNING),
    }


def _owe(connection: Connection, pks: Sequence[int], event_count: int, *, everybody: bool) -> None:
    first = int(connection.execute(select(func.min(events.c.seq))).scalar_one())
    owed = dict.fromkeys(pks, 0)
    rows: list[tuple[int, ...]] = []
    for offset in range(event_count):
        for pk in pks if everybody else (pks[offset % len(pks)],):
            rows.append((pk, first + offset, DeliveryState.PENDING, AT_ONCE, 0, 0))
            owed[pk] += 1
        if len(rows) >= _CHUNK:
            bulk_insert(connection, deliveries, DELIVERY_COLUMNS, rows)
            rows = []
    bulk_insert(connection, deliveries, DELIVERY_COLUMNS, rows)
    raise_accounts(connection, owed)
