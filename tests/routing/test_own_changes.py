"""A change of our own configuration, its event and the ringing: all of it, or nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.routing.own_audit import SYSTEM, OwnChange
from app.routing.own_changes import OwnChanges
from app.store import Store
from app.store.tables import organizations
from tests.world import Rings

CHANGE = OwnChange("acme", SYSTEM, "update", "organization", "acme", "Acme", ())


class Listed:
    """An audit that owes the news of each change to a partition of its own, and notes who was rung before."""

    def __init__(self, rings: Rings) -> None:
        self.rung_before: list[int] = []
        self._rings = rings

    def record(self, connection: Connection, change: OwnChange) -> frozenset[int]:
        assert connection.in_transaction()
        assert change is CHANGE
        self.rung_before = list(self._rings.partitions)
        return frozenset({7, 9})


@pytest.fixture
def rings() -> Rings:
    return Rings()


def names(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(organizations.select()).scalars())


def test_partitions_are_rung_once_each_and_only_after_the_commit(store: Store, rings: Rings) -> None:
    audit = Listed(rings)
    with OwnChanges(store, audit, rings).write() as (connection, news):
        connection.execute(organizations.insert().values(id="acme", name="Acme", created_at=1))
        news.tell(CHANGE)
        news.ring(9)
        news.ring(3)
    assert audit.rung_before == []
    assert sorted(rings.partitions) == [3, 7, 9]
    assert names(store) == ["acme"]


def test_nobody_hears_of_what_was_taken_back(store: Store, rings: Rings) -> None:

    def broken() -> None:
        with OwnChanges(store, Listed(rings), rings).write() as (connection, news):
            connection.execute(organizations.insert().values(id="acme", name="Acme", created_at=1))
            news.tell(CHANGE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert rings.partitions == []
    assert names(store) == []


def test_nothing_changed_is_not_told(store: Store, rings: Rings) -> None:
    with OwnChanges(store, Listed(rings), rings).write() as (_, news):
        news.tell(None)
    assert rings.partitions == []
