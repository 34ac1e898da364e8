"""Faults of hooks reach the table that every process shows."""

from __future__ import annotations

from app.core.errors import StoreUnavailableError
from app.routing.hook_faults import HookFaults
from app.store import Store
from app.store.plugin_faults import KnownFault, recent_faults


def shown(store: Store, now: int) -> list[KnownFault]:
    with store.read() as connection:
        return recent_faults(connection, now)


def test_faults_are_counted_in_the_database_and_added_up(store: Store) -> None:
    now = 1_700_000_000_000_000
    first, second = (HookFaults(lambda: now, store) for _ in range(2))
    for faults in (first, first, second):
        faults.note("acme:mask", "relaypoint_mask", "ValueError")
    first.note("acme:watch", "relaypoint_observe", "dropped", 700)
    for faults in (first, second, first):
        faults.write()
    found = [(one.sink, one.call, one.error, one.times, one.webhook_id) for one in shown(store, now)]
    assert sorted(found) == [
        ("acme:mask", "relaypoint_mask", "ValueError", 3, ""),
        ("acme:watch", "relaypoint_observe", "dropped", 700, ""),
    ]


def test_what_cannot_be_written_is_kept(store: Store) -> None:
    faults = HookFaults(lambda: 1_700_000_000_000_000, store)
    faults.note("acme:mask", "relaypoint_mask", "ValueError")

    class Away:
        def write(self) -> None:
            raise StoreUnavailableError("away")

    faults._store = Away()
    faults.write()
    faults._store = store
    faults.write()
    assert [one.times for one in shown(store, 1_700_000_000_000_001)] == [1]
