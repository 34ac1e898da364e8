"""One delivery redelivered by hand: by fifty at once, during an automatic retry, under the same id."""

from __future__ import annotations

import threading

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from app.core.clock import SECOND
from app.core.errors import ConflictError, NotFoundError
from app.core.ids import delivery_id
from app.core.states import DeliveryState
from app.delivery.drain import Drain
from app.delivery.redeliver import redeliver
from app.routing.webhook_input import Rotation
from app.security.scope import Scope
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply
from tests.world import PLATFORM, Hook, World, settle

PRESSES = 50


def press(world: World, hook: Hook, number: int = 0, scope: Scope = PLATFORM) -> int:
    row = world.deliveries(hook)[number]
    with world.store.write() as connection:
        return redeliver(connection, delivery_id(hook.id, row.event_seq), scope, world.clock())


def test_pressed_fifty_times_at_once_it_is_pending_once_and_the_others_are_told(
    world: World, target: Receiver, drain: Drain
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    obeyed: list[int] = []
    told: list[str] = []
    together = threading.Barrier(PRESSES, timeout=20)

    def one() -> None:
        together.wait()
        try:
            obeyed.append(press(world, hook))
        except ConflictError as error:
            told.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(PRESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert obeyed == [hook.partition]
    assert set(told) == {"this delivery is pending: it is due already and goes out next"}
    assert len(told) == PRESSES - 1
    world.deliver(drain)
    assert len(target.requests) == 2
    assert target.ids[0] == target.ids[1]
    assert [attempt.n for attempt in world.attempts(hook)] == [1, 2]
    assert world.ledger().balanced


def test_during_an_automatic_retry_it_answers_when_the_next_attempt_is(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500)]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    with pytest.raises(ConflictError, match=r"pending: its next automatic attempt is at \d{4}-"):
        press(world, hook)
    clock.advance(61 * SECOND)
    world.deliver(drain)
    assert len(target.requests) == 2


def test_while_an_attempt_is_on_its_way_it_says_so(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    drain.turn([hook.partition])
    with pytest.raises(ConflictError, match="sending: an attempt is on its way"):
        press(world, hook)


def test_a_held_a_buffered_and_a_batched_delivery_say_what_they_wait_for(
    world: World, target: Receiver, drain: Drain
) -> None:
    held = world.add_webhook(target.url)
    world.webhooks.pause(PLATFORM, held.id)
    target.respond = lambda _request: Reply(500)
    batched = world.add_webhook(target.url, mode="batch", batch={"max_events": 2}, retry={"schedule_s": [60]})
    world.send_numbers(1, 2, 3)
    settle(drain, [batched.partition])
    with pytest.raises(ConflictError, match="held, because the webhook is paused; resume the webhook"):
        press(world, held)
    with pytest.raises(ConflictError, match="a member of a closed batch"):
        press(world, batched)
    with pytest.raises(ConflictError, match=r"its batch closes at .* at the latest"):
        press(world, batched, 2)


def test_it_carries_the_same_ids_and_the_signature_of_today(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    new = world.webhooks.rotate(PLATFORM, hook.id, Rotation(overlap_s=0))["secret"]
    press(world, hook)
    world.deliver(drain)
    first, second = target.requests
    assert first.header("webhook-id") == second.header("webhook-id")
    assert Webhook(new).verify(second.body, dict(second.headers))["id"] == "event-1"


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_a_webhook_that_does_not_deliver_must_be_resumed_first(
    world: World, target: Receiver, drain: Drain, state: str
) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    if state == "paused":
        world.webhooks.pause(PLATFORM, hook.id)
    else:
        world.change(hook.id, enabled=False)
    with pytest.raises(ConflictError, match=f"the webhook is {state}; resume it first"):
        press(world, hook)
    assert world.states(hook) == [DeliveryState.DELIVERED]


def test_nobody_redelivers_what_is_not_theirs(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    for scope in (Scope("other"), Scope("acme", "some-context")):
        with pytest.raises(NotFoundError):
            press(world, hook, scope=scope)


def test_a_member_of_a_batch_comes_again_in_a_batch_of_its_own(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 3})
    world.send_numbers(1, 2, 3)
    settle(drain, [hook.partition])
    press(world, hook, 1)
    world.deliver(drain)
    first, second = target.requests
    assert [one["id"] for one in orjson.loads(second.body)] == ["event-2"]
    assert second.header("webhook-id").startswith("bat_")
    assert first.header("webhook-id") != second.header("webhook-id")
    assert world.states(hook) == [DeliveryState.DELIVERED] * 3
    assert world.ledger().balanced
