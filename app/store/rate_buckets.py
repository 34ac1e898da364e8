"""The buckets of rate limits, shared by every process."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, case, delete
from sqlalchemy.dialects import postgresql, sqlite

from app.core.clock import Micros
from app.core.errors import RateLimitedError
from app.core.rate_limit import Rate, seconds_to_wait
from app.store.tables_limits import rate_buckets


def spend(connection: Connection, costs: Mapping[str, Micros], now: Micros) -> dict[str, Micros]:
    """Take from buckets, whatever is in them; answers when each is full again.

    Args:
        connection: of a write transaction.
        costs: by the name of the bucket; see ``Rate.cost``.
        now: the time.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In one order, so that two transactions lock shared rows alike.
    new = dialect.insert(rate_buckets).values([{"name": name, "full_at": now + costs[name]} for name in sorted(costs)])
    before = rate_buckets.c.full_at
    later = case((before > now, before), else_=now) + (new.excluded.full_at - now)
    statement = new.on_conflict_do_update(index_elements=["name"], set_={"full_at": later})
    rows = connection.execute(statement.returning(rate_buckets.c.name, rate_buckets.c.full_at))
    return {row.name: row.full_at for row in rows}


def take_one(connection: Connection, name: str, rate: Rate, now: Micros, what: str) -> None:
    """Take one token, or refuse. The caller's transaction must not commit after the refusal.

    Args:
        connection: of a write transaction.
        name: of the bucket.
        rate: its size.
        now: the time.
        what: what there are too many of, for the caller's ears.

    Raises:
        RateLimitedError: the bucket is empty.
    """
    full_at = spend(connection, {name: rate.cost(1)}, now)[name]
    wait = rate.wait(full_at - rate.cost(1), now)
    if wait:
        raise RateLimitedError(f"too many {what}; wait and try again", seconds_to_wait(wait))


def remove_full_buckets(connection: Connection, now: Micros) -> None:
    """Remove buckets that are full: a missing one is full, too."""
    connection.execute(delete(rate_buckets).where(rate_buckets.c.full_at < now))
