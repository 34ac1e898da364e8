"""Retention beside deliveries that come, fail and are tried again."""

from __future__ import annotations

import threading

from sqlalchemy import func, select

from app.core.clock import SECOND
from app.delivery.drain import Drain
from app.store.ledger import read_ledger
from app.store.tables import deliveries, events
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.store.test_retention import remove_all
from tests.world import World, settle


def test_under_load_nothing_that_is_still_owed_disappears(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    """Events stream in, a receiver fails every third request, and retention takes whatever has ended at once."""
    target.respond = lambda _request: Reply(500 if len(target.requests) % 3 == 0 else 200)
    hooks = [world.add_webhook(target.url, retry={"schedule_s": [1] * 10}) for _ in range(2)]
    hooks.append(world.add_webhook(target.url, mode="batch", batch={"max_events": 7}, retry={"schedule_s": [1] * 10}))
    over = threading.Event()
    broken: list[str] = []

    def tidy() -> None:
        while not over.is_set():
            remove_all(world.store, clock() + SECOND)
            with world.store.snapshot() as connection:
                orphans = select(func.count()).where(deliveries.c.event_seq.not_in(select(events.c.seq)))
                if connection.execute(orphans).scalar_one():
                    broken.append("a delivery without its event")
                if not read_ledger(connection).balanced:
                    broken.append("the ledger does not balance")

    thread = threading.Thread(target=tidy)
    thread.start()
    for start in range(0, 200, 20):
        world.send_numbers(*range(start, start + 20))
        settle(drain, [hook.partition for hook in hooks])
        clock.advance(2 * SECOND)
    for _ in range(12):
        clock.advance(20 * 60 * SECOND)
        world.deliver(drain)
    over.set()
    thread.join(10)
    assert broken == []
    arrived = b"".join(request.body for request in target.requests)
    assert all(arrived.count(b'"event-%d"' % number) >= 3 for number in range(200))
    remove_all(world.store, clock() + SECOND)
    with world.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one() == 0
    assert world.ledger().balanced
