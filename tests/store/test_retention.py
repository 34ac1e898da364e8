from __future__ import annotations

from sqlalchemy import insert, select

from app.core.clock import DAY
from app.store import Store
from app.store.retention import CHUNK, expire_contents
from app.store.tables import contents


def test_bytes_of_days_that_are_over_go_and_the_others_stay(store: Store) -> None:
    rows = [{"digest": number.to_bytes(16, "big"), "day": 10, "body": b"old"} for number in range(CHUNK + 5)]
    rows += [{"digest": b"kept-" + bytes([day]), "day": day, "body": b"new"} for day in (12, 13, 14)]
    with store.write() as connection:
        connection.execute(insert(contents), rows)
    removed = expire_contents(store, 15 * DAY + 5, keep_days=3)
    with store.read() as connection:
        days = sorted(connection.execute(select(contents.c.day)).scalars())
    assert (removed, days) == (CHUNK + 5, [12, 13, 14])
