"""OAuth 2.0: a token endpoint and a receiver over real sockets, and a drain that never waits for either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.test_send import send_test
from tests.conftest import MovableClock
from tests.delivery.receiver import Received, Receiver, Reply, receiving
from tests.world import PLATFORM, Hook, World

DELIVERED, PENDING, PARKED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.PARKED
SECRET = "c1ient-s3cret"


@dataclass
class Login:
    """A token endpoint that hands out t1, t2, t3 and remembers which are good."""

    receiver: Receiver = field(default_factory=Receiver)
    given: int = 0

    def answer(self, _request: Received) -> Reply:
        self.given += 1
        return Reply(200, body=orjson.dumps({"access_token": f"access-token-{self.given}", "expires_in": 3600}))


@pytest.fixture
def login() -> Iterator[Login]:
    login = Login()
    with receiving(login.answer) as receiver:
        login.receiver = receiver
        yield login


def add(world: World, target: Receiver, login: Login, **more: Any) -> Hook:
    config = {"oauth_token_url": login.receiver.url, "oauth_client_id": "us"}
    return world.add_webhook(target.url, config=config, secrets={"oauth_client_secret": SECRET}, **more)


def tokens(target: Receiver) -> list[str]:
    return [request.header("authorization") for request in target.requests]


def test_many_deliveries_share_one_token(world: World, target: Receiver, login: Login, drain: Drain) -> None:
    hook = add(world, target, login)
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    world.send_numbers(4)
    world.deliver(drain)
    assert tokens(target) == ["Bearer access-token-1"] * 4
    assert len(login.receiver.requests) == 1
    assert SECRET.encode() in login.receiver.requests[0].body
    assert "webhook-signature" not in dict(login.receiver.requests[0].headers)
    assert world.states(hook) == [DELIVERED] * 4
    shown = repr(world.attempts(hook))
    assert "access-token-1" not in shown
    assert SECRET not in shown


def test_a_token_is_fetched_anew_before_it_ends(
    world: World, target: Receiver, login: Login, drain: Drain, clock: MovableClock
) -> None:
    add(world, target, login)
    for number in range(3):
        world.send_numbers(number)
        world.deliver(drain)
        clock.advance(2000 * SECOND)
    assert tokens(target) == ["Bearer access-token-1", "Bearer access-token-1", "Bearer access-token-2"]


def test_a_refused_token_that_had_worked_is_replaced_once_and_no_attempt_is_lost(
    world: World, target: Receiver, login: Login, drain: Drain
) -> None:
    hook = add(world, target, login)
    target.script = [Reply(200), Reply(401), Reply(200)]
    world.send_numbers(1)
    world.deliver(drain)
    world.send_numbers(2)
    world.deliver(drain)
    assert tokens(target) == ["Bearer access-token-1", "Bearer access-token-1", "Bearer access-token-2"]
    assert world.states(hook) == [DELIVERED, DELIVERED]
    assert [len(world.attempts(hook, number)) for number in (0, 1)] == [1, 1]


def test_a_new_token_that_is_refused_is_the_sinks_matter_and_the_next_attempt_asks_again(
    world: World, target: Receiver, login: Login, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, login)
    target.script = [Reply(401)]
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(hook) == [PENDING]
    clock.advance(200 * SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert tokens(target) == ["Bearer access-token-1", "Bearer access-token-2"]


@pytest.mark.parametrize(
    ("mode", "reply", "states", "outcome", "of_webhook"),
    [
        ("instant", Reply(503), [PENDING, PENDING], AttemptOutcome.THROTTLED, "enabled"),
        ("batch", Reply(503), [PENDING, PENDING], AttemptOutcome.THROTTLED, "enabled"),
        (
            "instant",
            Reply(401, body=b'{"error":"invalid_client"}'),
            [PARKED, PENDING],
            AttemptOutcome.SINK_BROKEN,
            "paused",
        ),
        ("batch", Reply(200, body=b"<html>"), [PARKED, PARKED], AttemptOutcome.SINK_BROKEN, "paused"),
    ],
)
def test_without_a_token_nothing_is_sent_and_the_reason_is_written_down(
    world: World,
    target: Receiver,
    login: Login,
    drain: Drain,
    clock: MovableClock,
    mode: str,
    reply: Reply,
    states: list[DeliveryState],
    outcome: AttemptOutcome,
    of_webhook: str,
) -> None:
    hook = add(world, target, login, mode=mode)
    login.receiver.script = [reply]
    world.send_numbers(1, 2)
    clock.advance(1300 * SECOND)
    world.deliver(drain)
    assert target.requests == []
    assert world.states(hook) == states
    (attempt,) = world.attempts(hook)
    assert attempt.outcome == outcome
    assert "token endpoint" in str(attempt)
    assert world.webhook(hook)["state"] == of_webhook
    assert world.ledger().balanced


def test_a_token_endpoint_that_is_down_costs_an_attempt_and_another_webhook_nothing(
    world: World, target: Receiver, drain: Drain
) -> None:
    with receiving() as gone:
        config = {"oauth_token_url": gone.url, "oauth_client_id": "us"}
    hook = world.add_webhook(target.url, config=config, secrets={"oauth_client_secret": SECRET})
    other = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    assert (world.states(hook), world.states(other)) == ([PENDING], [DELIVERED])
    assert "no access token" in str(world.attempts(hook)[0])


def test_a_test_send_gets_a_token_of_its_own(
    world: World, target: Receiver, login: Login, client: EgressClient, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, login)
    loader = drain._claiming._loader
    sent = send_test(world.store, loader, client, hook.id, PLATFORM, clock=clock, random_bytes=lambda n: b"r" * n)
    assert sent.verdict == "delivered"
    assert tokens(target) == ["Bearer access-token-1"]
    assert "access-token-1" not in repr(sent.request)


def test_secrets_do_not_follow_a_token_address_to_another_host(world: World, target: Receiver, login: Login) -> None:
    hook = add(world, target, login)
    config = {"oauth_token_url": "https://thief.example/token", "oauth_client_id": "us"}
    for change in ({"config": config}, {"config": config, "secrets": {"oauth_client_secret": {"set": True}}}):
        with pytest.raises(Exception, match=r"OAuth 2.0 needs|another origin"):
            world.change(hook.id, **change)
    world.change(hook.id, config=config, secrets={"oauth_client_secret": "new"})


def test_secrets_do_not_follow_a_token_address_that_was_not_there_before(world: World, target: Receiver) -> None:
    hook = world.add_webhook(target.url, secrets={"bearer_token": "t0ken"})
    config = {"oauth_token_url": "https://thief.example/token", "oauth_client_id": "us"}
    kept = {"bearer_token": {"set": True}, "oauth_client_secret": "theirs"}
    for change in ({"config": config}, {"config": config, "secrets": kept}):
        with pytest.raises(Exception, match=r"OAuth 2.0 needs|another origin"):
            world.change(hook.id, **change)
