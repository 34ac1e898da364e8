"""When batches close: by bytes, age and hand, on disabling and deleting, with a clock that jumps; never two owners."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.core.clock import MINUTE, SECOND, Micros
from app.core.errors import ConflictError, NotFoundError
from app.core.states import DeliveryState
from app.delivery import claiming
from app.delivery.batch_history import BatchRow, list_batches, member_states
from app.delivery.close_by_hand import ClosedByHand, close_by_hand
from app.delivery.drain import Drain
from app.security.scope import Scope
from app.store.tables import batches, deliveries, events, webhooks
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.world import PLATFORM, Hook, World, audit, settle

DELIVERED, PENDING, SKIPPED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.SKIPPED
AGE_S = 20 * 60
HOUR: Micros = 60 * MINUTE


def batch_hook(world: World, target: Receiver, **patch: Any) -> Hook:
    return world.add_webhook(target.url, mode="batch", **patch)


def closed(world: World, hook: Hook) -> list[BatchRow]:
    """Oldest first."""
    with world.store.read() as connection:
        return list_batches(connection, hook.id, PLATFORM, limit=100)[::-1]


def by_hand(world: World, hook: Hook, scope: Scope = PLATFORM) -> ClosedByHand:
    with world.store.write() as connection:
        return close_by_hand(connection, hook.id, scope, world.clock(), os.urandom)


def test_by_bytes_before_it_grows_larger(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target, batch={"max_bytes": 2048})
    world.send(*(audit(number, description="x" * 600) for number in range(1, 6)))
    settle(drain, [hook.partition])
    found = closed(world, hook)
    assert {batch.close_reason for batch in found} == {"bytes"}
    assert all(len(request.body) <= 2048 + 1 for request in target.requests)
    assert sum(batch.event_count for batch in found) == len(target.requests) == world.states(hook).count(DELIVERED)
    assert world.states(hook)[-1] == PENDING, "the last one waits for more"


def test_by_hand_and_at_once(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2)
    settle(drain, [hook.partition])
    assert target.requests == []
    answer = by_hand(world, hook)
    assert [(batch.reason.value, batch.event_count) for batch in answer.batches] == [("hand", 2)]
    settle(drain, [answer.partition])
    assert target.ids == [answer.batches[0].id]
    assert world.states(hook) == [DELIVERED] * 2
    assert by_hand(world, hook).batches == ()


def test_only_who_may_see_a_batch_webhook_that_works_closes_by_hand(world: World, target: Receiver) -> None:
    hook = batch_hook(world, target)
    with pytest.raises(NotFoundError):
        by_hand(world, hook, Scope("other"))
    with pytest.raises(ConflictError, match="instant"):
        by_hand(world, world.add_webhook(target.url))
    world.webhooks.pause(PLATFORM, hook.id)
    with pytest.raises(ConflictError, match="paused"):
        by_hand(world, hook)


def test_disabling_fixes_the_members_and_enabling_sends_them(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2)
    world.change(hook.id, enabled=False)
    (batch,) = closed(world, hook)
    assert (batch.close_reason, batch.event_count) == ("disabled", 2)
    world.deliver(drain)
    assert target.connections == 0
    assert world.states(hook) == [PENDING] * 2
    world.change(hook.id, enabled=True)
    (due,) = closed(world, hook)
    assert due.next_attempt_at == batch.closed_at, "at once is since its closing"
    world.send_numbers(3)
    world.deliver(drain)
    assert [event["id"] for event in orjson.loads(target.requests[0].body)] == ["event-1", "event-2"]
    assert target.ids == [batch.id]
    assert closed(world, hook)[0].next_attempt_at is None
    assert world.states(hook) == [DELIVERED] * 2 + [PENDING]
    assert world.ledger().balanced


def test_a_receiver_that_is_gone_for_good_closes_the_buffer_too(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: Reply(410)
    hook = batch_hook(world, target, batch={"max_events": 2})
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    world.deliver(drain)
    assert world.webhook(hook)["state"] == "disabled"
    assert [batch.close_reason for batch in closed(world, hook)] == ["count", "disabled"]
    assert world.states(hook) == [DeliveryState.PARKED] * 2 + [PENDING]


def test_deleting_closes_and_skips(world: World, target: Receiver) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2)
    world.webhooks.delete(PLATFORM, hook.id)
    (batch,) = closed(world, hook)
    with world.store.read() as connection:
        states = member_states(connection, batch)
    assert (batch.close_reason, states["skipped"]) == ("deleted", 2)
    assert world.ledger().balanced


def test_pausing_leaves_the_buffer_open(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1)
    world.webhooks.pause(PLATFORM, hook.id)
    settle(drain, [hook.partition])
    assert closed(world, hook) == []
    world.webhooks.resume(PLATFORM, hook.id)
    settle(drain, [hook.partition])
    assert [batch.close_reason for batch in closed(world, hook)] == ["age"], "what waited goes out with the resuming"
    assert world.states(hook) == [DELIVERED]


def test_a_smaller_limit_holds_for_what_waits_already(world: World, target: Receiver, drain: Drain) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    world.change(hook.id, batch={"max_events": 2})
    world.deliver(drain)
    assert [batch.event_count for batch in closed(world, hook)] == [2]


@pytest.mark.parametrize("jump", [48 * HOUR, -2 * HOUR])
def test_a_clock_that_jumps_makes_neither_a_storm_nor_a_stall(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, jump: Micros
) -> None:
    hook = batch_hook(world, target)
    world.send_numbers(1, 2)
    settle(drain, [hook.partition])
    clock.advance(jump)
    world.deliver(drain)
    assert [batch.close_reason for batch in closed(world, hook)] == ["age"]
    world.send_numbers(3)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 2 + [PENDING]
    clock.advance((AGE_S + 1) * SECOND)
    world.deliver(drain)
    assert len(target.requests) == 2
    now = clock() // SECOND
    assert all(abs(now - int(request.header("webhook-timestamp"))) <= AGE_S + 5 for request in target.requests)
    assert world.states(hook) == [DELIVERED] * 3


@pytest.fixture
def summer_time_ends() -> Iterator[None]:
    """A local time zone whose clock goes back on 3 November 2030, 06:00 UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "EST5EDT,M3.2.0,M11.1.0"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("summer_time_ends")
def test_local_time_has_no_say(world: World, target: Receiver, drain: Drain, clock: MovableClock) -> None:
    hook = batch_hook(world, target)
    # 2030-11-03 05:55 UTC: five minutes before local clocks go back by an hour.
    clock.advance(1_919_915_700 * SECOND - clock())
    world.send_numbers(1)
    clock.advance((AGE_S - 1) * SECOND)
    world.deliver(drain)
    assert target.requests == []
    clock.advance(2 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]


def test_a_batch_never_holds_events_of_two_organizations(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    world.add_organization("other")
    batch_hook(world, target, batch={"max_events": 3})
    world.send(*(audit(number, organizationId=("acme", "other")[number % 2]) for number in range(20)))
    clock.advance((AGE_S + 1) * SECOND)
    world.deliver(drain)
    for request in target.requests:
        assert {event["organization"]["id"] for event in orjson.loads(request.body)} == {"acme"}
    foreign = (
        select(deliveries.c.event_seq)
        .join(batches, batches.c.pk == deliveries.c.batch_pk)
        .join(webhooks, webhooks.c.pk == batches.c.webhook_pk)
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(events.c.organization_id != webhooks.c.organization_id)
    )
    with world.store.read() as connection:
        assert connection.execute(foreign).all() == []
    assert len(target.requests) == 4


def test_no_more_bytes_of_batches_are_in_the_works_than_there_is_room_for(
    world: World, target: Receiver, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "BATCH_BYTES", 1)
    hooks = [batch_hook(world, target, batch={"max_events": 2}) for _ in range(3)]
    world.send_numbers(1, 2, 3, 4)
    drain.turn({hook.partition for hook in hooks})
    assert sum(world.states(hook).count(DeliveryState.SENDING) for hook in hooks) == 2, "one batch of six"
    settle(drain, [hook.partition for hook in hooks])
    assert [world.states(hook) for hook in hooks] == [[DELIVERED] * 4] * 3
