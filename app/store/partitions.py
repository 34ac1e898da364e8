"""Partition leases, and the tick's own lease.

A drain engine has one fencing token for its lifetime. A partition row names the token of its holder and until when.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, or_, select, update

from app.core.clock import AT_ONCE, SECOND, Micros
from app.store.engine import Store
from app.store.tables import batches, counters, deliveries, leases, partitions, webhooks

PARTITION_LEASE: Micros = 10 * SECOND
"""How long a partition stays with a silent holder; the engine renews it with every transaction."""


_RAISE_COUNTER = (
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + bindparam("step"))
    .returning(counters.c.value)
)


def next_counter(connection: Connection, name: str, step: int = 1) -> int:
    """Raise a counter by ``step`` and answer its new value; other writers wait until the transaction ends."""
    return int(connection.execute(_RAISE_COUNTER, {"counter": name, "step": step}).scalar_one())


def new_lease_token(connection: Connection) -> int:
    """A fencing token higher than every earlier one."""
    return next_counter(connection, "lease_token")


def take_partition(connection: Connection, partition: int, token: int, now: Micros, seat: str | None = None) -> bool:
    """Take a free or expired partition; True when it is ours.

    Deliveries and batches that a dead holder left in flight become due at once, in their place in the ledger's order.
    They stay in state *sending*, which is how the claim knows that their outcome is unknown.

    Args:
        connection: of a write transaction.
        partition: its number.
        token: the holder's fencing token.
        now: microseconds.
        seat: where the holder's next life will find it again; see :func:`end_former_leases`.
    """
    free = or_(partitions.c.token.in_((0, token)), partitions.c.lease_until < now)
    taken = connection.execute(
        update(partitions)
        .where(partitions.c.id == partition, free)
        .values(token=token, seat=seat, lease_until=now + PARTITION_LEASE)
    )
    if taken.rowcount != 1:
        return False
    mine = select(webhooks.c.pk).where(webhooks.c.partition == partition)
    for table in (deliveries, batches):
        connection.execute(
            update(table)
            .where(
                table.c.webhook_pk.in_(mine),
                table.c.due_at > now,
                table.c.lease_token.is_not(None),
                table.c.lease_token != token,
            )
            .values(due_at=AT_ONCE)
        )
    return True


_RENEW = (
    update(partitions)
    .where(partitions.c.id.in_(bindparam("held", expanding=True)), partitions.c.token == bindparam("holder"))
    .values(lease_until=bindparam("until"))
    .returning(partitions.c.id)
)


def renew_partitions(connection: Connection, held: Collection[int], token: int, now: Micros) -> set[int]:
    """Renew the lease of the partitions we hold and answer which of them are still ours."""
    if not held:
        return set()
    moment = {"held": sorted(held), "holder": token, "until": now + PARTITION_LEASE}
    return set(connection.execute(_RENEW, moment).scalars())


def release_partitions(connection: Connection, held: Collection[int], token: int) -> None:
    """Give partitions back; another engine may take them at once."""
    if not held:
        return
    connection.execute(
        update(partitions)
        .where(partitions.c.id.in_(sorted(held)), partitions.c.token == token)
        .values(token=0, lease_until=0)
    )


def end_former_leases(connection: Connection, seat: str) -> set[int]:
    """End the leases that an earlier life of a worker left behind; answers its partitions.

    Args:
        connection: of a write transaction.
        seat: a name that one worker process after the other bears, never two at a time: whoever starts the next one
            has seen the last one end.
    """
    ended = update(partitions).where(partitions.c.seat == seat, partitions.c.token != 0).values(lease_until=0)
    return set(connection.execute(ended.returning(partitions.c.id)).scalars())


def take_tick_lease(store: Store, owner: str, now: Micros, ttl: Micros) -> bool:
    """Take or renew the right to be the tick of this installation; False while another holds it."""
    with store.write() as connection:
        row = connection.execute(select(leases.c.owner, leases.c.until).where(leases.c.name == "tick")).one_or_none()
        if row is None:
            connection.execute(leases.insert().values(name="tick", owner=owner, until=now + ttl))
            return True
        renewed = connection.execute(
            update(leases)
            .where(leases.c.name == "tick", or_(leases.c.owner == owner, leases.c.until < now))
            .values(owner=owner, until=now + ttl)
        )
        return renewed.rowcount == 1
