"""Counts of sources add up on both databases, and a source that is gone takes its counts with it."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from app.store import Store
from app.store.sources import Counted, add_source, counts_of, drop_source, raise_counts
from app.store.tables import organizations
from app.store.tables_sources import source_counts


def with_sources(store: Store, *source_ids: str) -> None:
    with store.write() as connection:
        connection.execute(insert(organizations).values(id="acme", name="Acme", created_at=0))
        for source_id in source_ids:
            row = {"id": source_id, "organization_id": "acme", "kind": "github", "name": source_id, "enabled": True}
            add_source(connection, row | {"config": "{}", "secret_sealed": b"x", "created_at": 0, "updated_at": 0})


def test_counts_add_up_and_keep_the_last_moment(store: Store) -> None:
    with_sources(store, "src_a", "src_b")
    for number, moment in ((2, 10), (3, 20)):
        with store.write() as connection:
            raise_counts(connection, [Counted("src_b", "accepted", number, moment), Counted("src_a", "ignored", 1, 5)])
    with store.read() as connection:
        found = counts_of(connection, ["src_a", "src_b", "src_c"])
    assert found == {
        "src_a": [Counted("src_a", "ignored", 2, 5)],
        "src_b": [Counted("src_b", "accepted", 5, 20)],
        "src_c": [],
    }


def test_a_source_that_is_gone_is_counted_no_more(store: Store) -> None:
    with_sources(store, "src_a")
    with store.write() as connection:
        raise_counts(connection, [Counted("src_a", "accepted", 1, 1)])
        drop_source(connection, "src_a")
        raise_counts(connection, [Counted("src_a", "accepted", 1, 1), Counted("src_never", "accepted", 1, 1)])
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(source_counts)).scalar_one() == 0
