"""The buckets of rate limits, shared by every process."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, text

from app.core.clock import Micros
from app.core.errors import RateLimitedError
from app.core.rate_limit import Rate, seconds_to_wait
from app.store.tables_limits import rate_buckets

# A text: building and compiling the same statement takes more than running it.
_SPEND = text("""
    INSERT INTO rate_buckets (name, full_at) VALUES (:name, :fresh)
    ON CONFLICT (name) DO UPDATE SET
        full_at = CASE WHEN rate_buckets.full_at > :now THEN rate_buckets.full_at ELSE :now END + :cost
    RETURNING full_at
""")


def spend(connection: Connection, costs: Mapping[str, Micros], now: Micros) -> dict[str, Micros]:
    """Take from buckets, whatever is in them; answers when each is full again.

    Args:
        connection: of a write transaction.
        costs: by the name of the bucket; see ``Rate.cost``.
        now: the time.
    """
    # In one order, so that two transactions lock shared rows alike.
    return {name: _spent(connection, name, costs[name], now) for name in sorted(costs)}


def _spent(connection: Connection, name: str, cost: Micros, now: Micros) -> Micros:
    values = {"name": name, "fresh": now + cost, "now": now, "cost": cost}
    return int(connection.execute(_SPEND, values).scalar_one())


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
