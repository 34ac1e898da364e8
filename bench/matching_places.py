"""Organizations with any number of webhooks, written straight to the tables, and events to match with them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from sqlalchemy import insert, select

from app.core.clock import system_clock
from app.core.doorbell import SilentDoorbell
from app.core.event import CanonicalEvent
from app.core.ids import new_id
from app.core.normalise import normalise
from app.core.partitions import partition_of
from app.routing.change_windows import CHANGE_WINDOWS, ChangeWindowInput
from app.routing.own_audit import NoAudit
from app.routing.own_changes import OwnChanges
from app.routing.policy_service import PolicyService
from app.security.scope import Scope
from app.store import Store, open_store
from app.store.migrate import migrate
from app.store.tables import webhooks
from bench import stack
from bench.databases import Server, fresh_database

PLACE = "place"
"""Where the events come from, before they are told to come from elsewhere."""
_URL = "http://127.0.0.1:9/"
_EVERY_TYPE = '["*"]'
_OTHER_TYPE = '["signin.session.created"]'
_ZONES = ("Europe/Stockholm", "America/New_York", "Asia/Kolkata", "UTC", "Australia/Sydney")


@dataclass(frozen=True, slots=True)
class Places:
    """A migrated database, and one webhook in it that all others are copies of."""

    store: Store
    model: dict[str, Any]

    def add_webhooks(self, rows: Sequence[dict[str, Any]]) -> None:
        """Copies of the model, each with what its row says."""
        with self.store.write() as connection:
            connection.execute(insert(webhooks), [self._copy(row) for row in rows])

    def add_organizations(self, ids: Sequence[str]) -> None:
        """Organizations without anything."""
        stack.create_organizations(self.store, list(ids))

    def add_windows(self, organization: str, number: int) -> None:
        """Weekly change windows, in several time zones, saved as the API saves them."""
        service = PolicyService(
            self.store,
            CHANGE_WINDOWS,
            changes=OwnChanges(self.store, NoAudit(), SilentDoorbell()),
            clock=system_clock,
            random_bytes=secrets.token_bytes,
        )
        for index in range(number):
            interval = {
                "weekdays": ["tuesday", "thursday"],
                "times": [{"start_time": f"{index:02}:00", "end_time": f"{index + 3:02}:00"}],
                "location": _ZONES[index % len(_ZONES)],
            }
            new = ChangeWindowInput.model_validate({"name": f"window {index}", "time_intervals": [interval]})
            service.create(Scope(None, None), organization, new)

    def _copy(self, row: dict[str, Any]) -> dict[str, Any]:
        own = new_id("wh", secrets.token_bytes)
        model = {name: value for name, value in self.model.items() if name != "pk"}
        return {**model, "id": own, "partition": partition_of(own), **row}


@contextmanager
def places(server: Server) -> Iterator[Places]:
    """An empty installation with the model webhook."""
    with TemporaryDirectory(prefix="relaypoint-bench-") as name, fresh_database(server, Path(name)) as url:
        settings = stack.bench_settings(Path(name), url)
        migrate(settings.database_url)
        store = open_store(settings.database_url)
        try:
            stack.create_organizations(store, [PLACE])
            made = stack.create_webhook(settings, store, PLACE, _URL)
            with store.read() as connection:
                model = connection.execute(select(webhooks).where(webhooks.c.id == made)).mappings().one()
            yield Places(store, dict(model))
        finally:
            store.close()


def crowd_of(organization: str, size: int, matching: int) -> list[dict[str, Any]]:
    """Rows of webhooks of which ``matching`` get every event; the others are of other contexts or want another type."""
    told: list[dict[str, Any]] = [{"context_id": None, "event_types": _EVERY_TYPE}] * min(matching, size)
    for number in range(size - len(told)):
        elsewhere = {"context_id": f"elsewhere-{number}", "event_types": _EVERY_TYPE}
        told.append(elsewhere if number % 2 else {"context_id": None, "event_types": _OTHER_TYPE})
    return [{**one, "organization_id": organization} for one in told]


def some_events(number: int) -> list[CanonicalEvent]:
    """Events of the demo, rated and masked."""
    raw = [event for body in stack.event_bodies([PLACE], number) for event in orjson.loads(body)]
    return [normalise(event, received_at=system_clock(), default_organization=PLACE) for event in raw]
