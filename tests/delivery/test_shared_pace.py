"""Webhooks that share what one receiver takes per second keep its pace together, without asking one another."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.clock import SECOND
from app.delivery.drain import Drain
from app.sinks import AnyBinding, Limits
from app.store.due import due_partitions
from app.store.tables import webhooks
from tests.conftest import MovableClock
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Receiver
from tests.world import PLATFORM, Hook, World, step

SECONDS = 12


class ChannelSink(OddSink):
    """One request a second for each endpoint address."""

    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(item_overhead=2, rate_per_s=1, pace_key=binding.endpoint_url)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No database changes a pace."""
    return sqlite_url


@pytest.fixture(autouse=True)
def _channels(world: World) -> None:
    world.sinks.put(ChannelSink())


def run(world: World, drain: Drain, clock: MovableClock, seconds: int) -> None:
    """So many seconds, each with rounds enough for whatever may leave in it."""
    for _ in range(seconds):
        with world.store.read() as connection:
            admit = set(due_partitions(connection, clock()))
        for _ in range(8):
            admit = step(drain, admit)
        clock.advance(SECOND)


def key_of(world: World, hook: Hook) -> bytes | None:
    with world.store.read() as connection:
        return connection.execute(select(webhooks.c.pace_key).where(webhooks.c.pk == hook.pk)).scalar_one()


def test_the_webhooks_of_one_channel_send_one_request_a_second_in_all(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hooks = [world.add_webhook(target.url, sink="odd") for _ in range(3)]
    other = world.add_webhook(f"{target.url}/other", sink="odd")
    assert len({key_of(world, hook) for hook in hooks}) == 1
    assert key_of(world, other) != key_of(world, hooks[0])
    world.send_numbers(*range(20))
    run(world, drain, clock, SECONDS)
    together = [request for request in target.requests if request.path == "/hook"]
    # Each starts with one request in hand; the clock of the test also runs by itself.
    assert SECONDS - 3 <= len(together) <= SECONDS + len(hooks) + 3
    counts = [world.account(hook).delivered for hook in hooks]
    assert max(counts) - min(counts) <= 1, "in equal parts"
    assert world.account(other).delivered >= SECONDS - 1, "another channel has a pace of its own"


def test_who_stops_leaves_its_part_to_the_others(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    one, two = (world.add_webhook(target.url, sink="odd") for _ in range(2))
    world.send_numbers(*range(20))
    run(world, drain, clock, 4)
    before = world.account(one).delivered
    world.webhooks.pause(PLATFORM, two.id)
    run(world, drain, clock, SECONDS)
    assert world.account(one).delivered - before >= SECONDS - 3


def test_another_address_means_another_pace_and_a_sink_without_one_has_no_key(world: World, target: Receiver) -> None:
    hook = world.add_webhook(target.url, sink="odd")
    before = key_of(world, hook)
    world.change(hook.id, endpoint_url=f"{target.url}/moved")
    assert key_of(world, hook) not in {before, None}
    world.change(hook.id, sink="webhook")
    assert key_of(world, hook) is None
