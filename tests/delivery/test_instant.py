"""An event on its way to a receiver: what is sent, what is remembered, what comes next."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.routing.webhook_input import Rotation
from app.store.tables import contents, events
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver, Reply, receiving
from tests.world import PLATFORM, World

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED


def test_an_event_arrives_once_as_it_was_stored(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url, headers={"X-Key": "s3cret"})
    world.send_numbers(1)
    world.deliver(drain)
    (request,) = target.requests
    with world.store.read() as connection:
        stored = connection.execute(select(events.c.body)).scalar_one()
    assert request.body == stored
    assert (request.method, request.path, request.header("x-key")) == ("POST", "/hook", "s3cret")
    assert request.header("content-type") == "application/json"
    assert world.states(hook) == [DELIVERED]
    assert world.ledger().balanced
    world.deliver(drain)
    assert len(target.requests) == 1


def test_the_signature_verifies_with_the_reference_library(world: World, target: Receiver, drain: Drain) -> None:
    hook = world.add_webhook(target.url)
    old = world.webhooks.secret(PLATFORM, hook.id)["secret"]
    world.send_numbers(1)
    world.deliver(drain)
    new = world.webhooks.rotate(PLATFORM, hook.id, Rotation())["secret"]
    world.send_numbers(2)
    world.deliver(drain)
    first, second = target.requests
    assert Webhook(old).verify(first.body, dict(first.headers))["id"] == "event-1"
    for secret in (old, new):
        assert Webhook(secret).verify(second.body, dict(second.headers))["id"] == "event-2"


def test_history_shows_the_bytes_that_were_received_and_hides_secrets(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.script = [Reply(200, (("x-answer", "yes"),), b'{"ok": true}')]
    hook = world.add_webhook(target.url, headers={"X-Key": "s3cret"})
    world.send_numbers(1)
    world.deliver(drain)
    (attempt,) = world.attempts(hook)
    (received,) = target.requests
    assert attempt.request
    assert attempt.response
    assert attempt.request.body == received.body
    shown = {name.lower(): value for name, value in attempt.request.headers}
    assert "s3cret" not in shown["x-key"]
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type"):
        assert shown[name] == received.header(name)
    assert (attempt.response.status, attempt.response.body) == (200, b'{"ok": true}')
    assert dict(attempt.response.headers)["x-answer"] == "yes"
    assert attempt.peer
    assert attempt.peer.startswith("127.0.0.1")
    assert attempt.outcome is AttemptOutcome.DELIVERED
    assert attempt.timings["total"] >= attempt.timings["first_byte"] > 0


def test_repeated_bytes_are_kept_once(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: Reply(200, (("date", "x"),), b"same answer")
    world.add_webhook(target.url)
    world.send_numbers(*range(1, 21))
    world.deliver(drain)
    assert len(target.requests) == 20
    with world.store.read() as connection:
        count = connection.execute(select(func.count()).where(contents.c.body == b"same answer")).scalar_one()
    assert count == 1


def test_a_failing_receiver_gets_the_whole_schedule(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(500), Reply(502)]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60, 600]})
    world.send_numbers(1)
    sent = []
    for wait_s in (0, 59, 2, 599, 2):
        clock.advance(wait_s * SECOND)
        world.deliver(drain)
        sent.append(len(target.requests))
    assert sent == [1, 1, 2, 2, 3]
    assert world.states(hook) == [DELIVERED]
    attempts = world.attempts(hook)
    assert [attempt.n for attempt in attempts] == [1, 2, 3]
    assert [attempt.response.status for attempt in attempts if attempt.response] == [500, 502, 200]
    assert len(set(target.ids)) == 1
    assert all(before.started_at < after.started_at for before, after in pairwise(attempts))
    assert world.account(hook).duplicates_possible == 0


def test_after_the_last_try_it_has_failed_and_says_why(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.respond = lambda _request: Reply(500)
    hook = world.add_webhook(target.url, retry={"schedule_s": [1]})
    world.send_numbers(1)
    for _ in range(4):
        world.deliver(drain)
        clock.advance(5 * SECOND)
    (row,) = world.deliveries(hook)
    assert (row.state, row.attempt_count) == (FAILED, 2)
    assert row.reason
    assert "500" in row.reason


def test_the_receiver_may_ask_for_a_longer_wait(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    target.script = [Reply(503, (("retry-after", "900"),))]
    hook = world.add_webhook(target.url, retry={"schedule_s": [60]})
    world.send_numbers(1)
    world.deliver(drain)
    (row,) = world.deliveries(hook)
    assert row.next_attempt_at
    assert 890 * SECOND < row.next_attempt_at - clock() <= 900 * SECOND
    clock.advance(901 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(world: World, target: Receiver, drain: Drain, status: int) -> None:
    with receiving() as canary:
        target.script = [Reply(status, (("location", canary.url),))]
        hook = world.add_webhook(target.url)
        world.send_numbers(1)
        world.deliver(drain)
        assert canary.connections == 0
    assert world.states(hook) == [FAILED]


def test_a_rejected_event_fails_at_once_and_the_next_one_goes(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda request: Reply(400 if orjson.loads(request.body)["id"] == "event-1" else 200)
    hook = world.add_webhook(target.url)
    world.send_numbers(1, 2)
    world.deliver(drain)
    assert world.states(hook) == [FAILED, DELIVERED]
    assert world.webhook(hook)["state"] == "enabled"


def test_a_closed_port_is_tried_again(world: World, drain: Drain) -> None:
    with receiving() as gone:
        url = gone.url
    hook = world.add_webhook(url)
    world.send_numbers(1)
    world.deliver(drain)
    (attempt,) = world.attempts(hook)
    assert world.states(hook) == [PENDING]
    assert attempt.error_class == "connect"
    assert attempt.outcome is AttemptOutcome.RETRY
    assert world.account(hook).duplicates_possible == 0
