"""Plugins that confirm later: with access tokens, and broken in each of their methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.sinks import Answer, AnyBinding, Confirmation, Item, OutboundRequest, Outcome, Receipt, SinkInfo, Verdict
from app.sinks.bounds import PluginHungError
from plugins.webhook import WebhookSink
from tests.conftest import MovableClock
from tests.delivery.receiver import Received, Receiver, Reply, receiving
from tests.world import Hook, World

ACCEPTED, DELIVERED, PENDING = DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.PENDING
POLL = 11 * SECOND
ODD: Any = 7


class LaterSink(WebhookSink):
    """The plain webhook, for a receiver that gives the receipt "1" for everything and confirms at ``/confirm``."""

    info = SinkInfo(name="later", title="Later", description="A test sink.")

    def __init__(self, **wrong: Any) -> None:
        self.wrong = wrong

    def _answer(self, method: str, right: Any) -> Any:
        if isinstance(self.wrong.get(method), Exception):
            raise self.wrong[method]
        return self.wrong.get(method, right)

    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        outcome = super().classify(answer, items, binding)
        return Outcome(Verdict.ACCEPTED_UNCONFIRMED) if outcome.verdict is Verdict.DELIVERED else outcome

    def confirmation(self, _binding: AnyBinding) -> Any:
        return self._answer("confirmation", Confirmation())

    def receipt(self, _answer: Answer, _binding: AnyBinding) -> Any:
        return self._answer("receipt", Receipt("1"))

    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> Any:
        token = binding.access_token
        headers = (("authorization", f"Bearer {token.get_secret_value()}"),) if token else ()
        url = binding.endpoint_url.replace("/hook", "/confirm")
        body = orjson.dumps([receipt.id for receipt in receipts])
        return self._answer("confirm_request", OutboundRequest(url, body, headers))

    def read_confirmation(self, answer: Answer, receipts: Sequence[Receipt], _binding: AnyBinding) -> Any:
        if answer.status != 200:
            return Outcome(Verdict.SINK_BROKEN, f"answered {answer.status}")
        return self._answer("read_confirmation", frozenset(receipt.id for receipt in receipts))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No database changes what plugins do."""
    return sqlite_url


@pytest.fixture
def login() -> Iterator[Receiver]:
    """A token endpoint whose tokens live for 600 seconds and are numbered."""
    numbers = iter(range(1, 100))

    def answer(_request: Received) -> Reply:
        return Reply(body=orjson.dumps({"access_token": f"t{next(numbers)}", "expires_in": 600}))

    with receiving(answer) as receiver:
        yield receiver


def add(world: World, target: Receiver, login: Receiver | None = None, **wrong: Any) -> Hook:
    world.sinks.put(LaterSink(**wrong))
    config = {"oauth_token_url": login.url, "oauth_client_id": "us"} if login else {}
    secrets = {"oauth_client_secret": "c1ient-s3cret"} if login else {}
    return world.add_webhook(target.url, sink="later", config=config, secrets=secrets)


def questions(target: Receiver) -> list[Received]:
    return [request for request in target.requests if request.path == "/confirm"]


def test_a_question_carries_a_token_that_is_fetched_anew_when_it_has_ended(
    world: World, target: Receiver, login: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, login)
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(700 * SECOND)
    world.deliver(drain)
    assert [question.header("authorization") for question in questions(target)] == ["Bearer t2"]
    assert world.states(hook) == [DELIVERED]


def test_a_question_whose_token_is_refused_is_asked_again_with_a_fresh_one(
    world: World, target: Receiver, login: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, login)
    world.send_numbers(1)
    world.deliver(drain)
    target.script = [Reply(401)]
    clock.advance(POLL)
    world.deliver(drain)
    assert [question.header("authorization") for question in questions(target)] == ["Bearer t1", "Bearer t2"]
    assert world.states(hook) == [DELIVERED]
    assert world.webhook(hook)["state"] == "enabled"


def test_without_a_token_the_wait_goes_on_and_the_token_endpoint_is_not_stormed(
    world: World, target: Receiver, login: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, login)
    world.send_numbers(1)
    world.deliver(drain)
    login.script = [Reply(503)]
    clock.advance(700 * SECOND)
    world.deliver(drain)
    assert (len(login.requests), questions(target)) == (2, [])
    assert "token endpoint answered 503" in world.webhook(hook)["health"]["confirmations"]["reason"]
    clock.advance(POLL)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]


@pytest.mark.parametrize(
    "wrong", [RuntimeError("s3cret"), "1", Receipt(ODD), Receipt(""), Receipt("x" * 201), Receipt("1", "\0")]
)
def test_a_receipt_that_cannot_be_kept_leaves_the_delivery_unconfirmed(
    world: World, target: Receiver, drain: Drain, wrong: Any
) -> None:
    hook = add(world, target, receipt=wrong)
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert world.attempts(hook)[0].outcome == AttemptOutcome.UNCONFIRMED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"confirm_request": RuntimeError("s3cret")}, "failed to ask for confirmations: RuntimeError"),
        ({"read_confirmation": RuntimeError("s3cret")}, "failed to read confirmations: RuntimeError"),
        ({"read_confirmation": ["1"]}, "failed to read confirmations: read_confirmation answered list, not frozenset"),
        ({"read_confirmation": Outcome(Verdict.DELIVERED)}, "answered 200"),
        ({"read_confirmation": Outcome(Verdict.RETRY, "?", float("nan"))}, "no finite number"),
        ({"confirm_request": "https://x.example/"}, "confirm_request answered str"),
        ({"read_confirmation": PluginHungError("broken off after 5 s")}, "broken off after 5 s"),
    ],
)
def test_a_plugin_that_fails_to_ask_or_to_read_stops_its_webhook_and_nobody_else(
    world: World, target: Receiver, drain: Drain, clock: MovableClock, wrong: dict[str, Any], words: str
) -> None:
    hook = add(world, target, **wrong)
    beside = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(POLL)
    world.deliver(drain)
    view = world.webhook(hook)
    assert view["state"] == "paused"
    assert words in view["state_reason"]
    assert "s3cret" not in str(view)
    assert (world.states(hook), world.states(beside)) == ([ACCEPTED], [DELIVERED])
    assert world.ledger().balanced


def test_ids_that_nobody_asked_about_confirm_nothing(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, read_confirmation=frozenset({"2", "11", ""}))
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(POLL)
    world.deliver(drain)
    assert world.states(hook) == [ACCEPTED]


def test_what_the_plugin_will_not_ask_about_goes_on_as_expired(
    world: World, target: Receiver, drain: Drain, clock: MovableClock
) -> None:
    hook = add(world, target, confirm_request=None)
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(POLL)
    world.deliver(drain)
    assert world.states(hook) == [PENDING]
    assert world.account(hook).duplicates_possible == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Confirmation(poll_s=0), "poll_s of a Confirmation is not from 1 to 604800 seconds"),
        (Confirmation(expires_s=float("nan")), "expires_s of a Confirmation is not"),
        (Confirmation(on_expiry=ODD), "on_expiry of a Confirmation answered int"),
        (None, "confirmation answered NoneType"),
        (RuntimeError("s3cret"), "RuntimeError"),
    ],
)
def test_waits_that_nobody_can_keep_stop_the_webhook_before_anything_is_sent(
    world: World, target: Receiver, drain: Drain, wrong: Any, words: str
) -> None:
    hook = add(world, target, confirmation=wrong)
    world.send_numbers(1)
    world.deliver(drain)
    view = world.webhook(hook)
    assert (view["state"], words in view["state_reason"]) == ("paused", True)
    assert target.requests == []
    assert world.ledger().balanced
