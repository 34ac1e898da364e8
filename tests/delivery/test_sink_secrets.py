"""Secrets that a receiver wants in its address or in the body, and the pace a receiver sets."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence

import orjson
import pytest

from app.delivery.drain import Drain
from app.delivery.runtime import RuntimeLoader
from app.sinks import AnyBinding, Item, Limits, OutboundRequest
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import World

OK = Reply(200, (), b"ok")


class KeyInBody(OddSink):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        body = orjson.dumps({"key": "r0uting-key", "ids": [item.event_id for item in items]})
        return OutboundRequest(
            binding.endpoint_url, body, (("content-type", "application/json"),), secret_texts=("r0uting-key",)
        )


def test_an_address_that_is_the_secret_is_shown_nowhere(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: OK
    url = target.url.replace("/hook", "/services/T0/B0/s3cretpath")
    hook = world.add_webhook(url, sink="slack")
    world.send_numbers(1)
    world.deliver(drain)
    assert target.requests[0].path == "/services/T0/B0/s3cretpath"
    (attempt,) = world.attempts(hook)
    assert attempt.request
    assert attempt.request.url == f"http://127.0.0.1:{target.port}/***"
    assert "s3cretpath" not in str(attempt)
    assert "s3cretpath" not in str(world.webhook(hook))


def test_the_order_in_which_sink_and_address_are_set_does_not_matter(world: World, target: Receiver) -> None:
    hook = world.add_webhook(target.url.replace("/hook", "/s3cretpath"))
    assert "s3cretpath" in world.webhook(hook)["endpoint_url"]
    world.change(hook.id, sink="slack")
    assert world.webhook(hook)["endpoint_url"].endswith("/***")
    world.change(hook.id, sink="webhook")
    assert world.webhook(hook)["endpoint_url"].endswith("/s3cretpath")


def test_a_secret_in_the_body_arrives_and_history_masks_it(world: World, target: Receiver, drain: Drain) -> None:
    world.sinks.put(KeyInBody())
    hook = world.add_webhook(target.url, sink="odd")
    world.send_numbers(1)
    world.deliver(drain)
    assert orjson.loads(target.requests[0].body)["key"] == "r0uting-key"
    (attempt,) = world.attempts(hook)
    assert attempt.request
    assert orjson.loads(attempt.request.body) == {"key": "***", "ids": ["event-1"]}


@pytest.mark.parametrize(
    ("asked", "receiver", "used"), [(None, None, None), (5, None, 5), (None, 1, 1), (5, 1, 1), (1, 4, 1)]
)
def test_the_lower_of_the_users_and_the_receivers_pace_is_kept(
    world: World, target: Receiver, asked: int | None, receiver: int | None, used: int | None
) -> None:
    world.sinks.put(OddSink(limits=Limits(rate_per_s=receiver)))
    hook = world.add_webhook(target.url, sink="odd", rate_limit={"per_s": asked} if asked else None)
    with world.store.read() as connection:
        runtime = RuntimeLoader(world.vault, world.sinks).get(connection, hook.pk, 1, world.clock())
    assert runtime.rate_per_s == used


def test_slack_gets_one_message_a_second(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: OK
    world.add_webhook(target.url, sink="slack")
    world.send_numbers(1, 2)
    begun = time.monotonic()
    world.deliver(drain)
    assert len(target.requests) == 2
    assert time.monotonic() - begun > 0.9


def echo(request: Received) -> Reply:
    """An answer that repeats all it was sent."""
    said = "\n".join([request.path, *(f"{name}: {value}" for name, value in request.headers)])
    return Reply(400, (("x-echo", request.path), ("x-key", "K3y-of-the-user")), said.encode() + request.body)


@pytest.mark.parametrize(
    ("sink", "secrets", "planted"),
    [
        ("splunk_hec", {"token": "11111111-canary"}, "11111111-canary"),
        ("pagerduty", {"routing_key": "c4nary0123456789"}, "c4nary0123456789"),
        ("slack", {}, "/services/T0/B0/c4narypath"),
        ("servicenow", {"password": "c4nary password"}, base64.b64encode(b":c4nary password").decode()),
    ],
)
def test_a_credential_that_the_receiver_repeats_is_not_kept(
    world: World, target: Receiver, drain: Drain, sink: str, secrets: dict[str, str], planted: str
) -> None:
    target.respond = echo
    url = target.url.replace("/hook", "/services/T0/B0/c4narypath" if sink == "slack" else "")
    hook = world.add_webhook(url, sink=sink, secrets=secrets, headers={"X-Api-Key": "K3y-of-the-user"})
    world.send_numbers(1)
    world.deliver(drain)
    assert planted in f"{target.requests[0]}"
    (attempt,) = world.attempts(hook)
    assert attempt.response
    assert b"***" in attempt.response.body
    shown = str(attempt)
    for secret in (planted, *secrets.values(), "K3y-of-the-user"):
        assert secret not in shown


def test_a_token_in_the_address_that_the_receiver_repeats_is_not_kept(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.respond = echo
    hook = world.add_webhook(f"{target.url}?key=c4nary%2Fkey&v=2")
    world.send_numbers(1)
    world.deliver(drain)
    assert "c4nary%2Fkey" in target.requests[0].path
    (attempt,) = world.attempts(hook)
    assert attempt.response
    assert b"v=2" in attempt.response.body
    assert "c4nary" not in str(attempt)


def test_an_answer_without_a_credential_is_kept_to_the_byte(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: Reply(200, (), b'{"text":"Success","code":0}\xff\x00')
    hook = world.add_webhook(target.url, headers={"X-Short": "abc", "Accept": "application/json"})
    world.send_numbers(1)
    world.deliver(drain)
    (attempt,) = world.attempts(hook)
    assert attempt.response
    assert attempt.response.body == b'{"text":"Success","code":0}\xff\x00'
