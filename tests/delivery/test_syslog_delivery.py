"""Syslog through the whole drain: states, attempts, history and what a dead receiver costs."""

from __future__ import annotations

import secrets

import pytest

from app.core.clock import SECOND
from app.core.errors import InvalidInputError
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.runtime import RuntimeLoader
from app.delivery.test_send import send_test
from tests.conftest import MovableClock
from tests.delivery.log_receiver import datagram_receiver, log_receiver
from tests.delivery.receiver import Receiver
from tests.world import PLATFORM, World


def test_a_written_event_is_delivered_unconfirmed_and_history_has_the_exact_bytes(world: World, drain: Drain) -> None:
    with log_receiver() as log:
        hook = world.add_webhook(f"syslog+tcp://127.0.0.1:{log.port}", sink="siem", config={"format": "leef"})
        world.send_numbers(1)
        world.deliver(drain)
        assert world.states(hook) == [DeliveryState.DELIVERED]
        (attempt,) = world.attempts(hook)
        assert attempt.request is not None
        assert attempt.request.body is not None
        assert log.wait_for(len(attempt.request.body)) == attempt.request.body
    assert attempt.outcome is AttemptOutcome.UNCONFIRMED
    assert attempt.detail == "written to the receiver, which never answers"
    assert attempt.response is None
    assert attempt.peer == f"127.0.0.1:{log.port}"
    assert (attempt.request.method, attempt.request.headers) == ("SYSLOG", ())
    assert attempt.request.url == f"syslog+tcp://127.0.0.1:{log.port}"
    size, _, message = attempt.request.body.partition(b" ")
    assert int(size) == len(message)
    assert b"|eventId=" not in message
    assert b"\teventId=event-1\t" in message


def test_a_batch_is_one_write_of_many_messages(world: World, drain: Drain, clock: MovableClock) -> None:
    with log_receiver() as log:
        hook = world.add_webhook(
            f"syslog+tcp://127.0.0.1:{log.port}", mode="batch", sink="siem", config={"framing": "newline"}
        )
        world.send_numbers(*range(50))
        clock.advance(3600 * SECOND)
        world.deliver(drain)
        assert world.states(hook) == [DeliveryState.DELIVERED] * 50
        exact = world.attempts(hook)[0].request
        assert exact is not None
        assert exact.body is not None
        assert log.wait_for(len(exact.body)) == exact.body
    assert exact.body.count(b"\n") == 50


def test_datagrams_go_one_by_one_also_in_a_batch(world: World, drain: Drain, clock: MovableClock) -> None:
    with datagram_receiver() as log:
        hook = world.add_webhook(f"syslog+udp://127.0.0.1:{log.port}", mode="batch", sink="siem")
        world.send_numbers(1, 2, 3)
        clock.advance(3600 * SECOND)
        world.deliver(drain)
        log.wait_for(1500)
    assert world.states(hook) == [DeliveryState.DELIVERED] * 3
    assert len(log.received) == 3


def test_a_receiver_that_is_away_costs_tries_and_its_neighbour_nothing(
    world: World, drain: Drain, clock: MovableClock, target: Receiver
) -> None:
    with log_receiver() as log:
        url = f"syslog+tcp://127.0.0.1:{log.port}"
    lost = world.add_webhook(url, sink="siem")
    well = world.add_webhook(target.url)
    world.send_numbers(1)
    world.deliver(drain)
    assert world.states(well) == [DeliveryState.DELIVERED]
    assert world.states(lost) == [DeliveryState.PENDING]
    (attempt,) = world.attempts(lost)
    assert attempt.outcome is AttemptOutcome.RETRY
    assert attempt.error_class == "connect"


def test_a_blocked_address_pauses_the_webhook(world: World, strict: EgressClient) -> None:
    with log_receiver() as log:
        hook = world.add_webhook(f"syslog+tls://127.0.0.1:{log.port}", sink="siem")
        world.send_numbers(1)
        world.deliver(world.drain(strict))
    assert world.states(hook) == [DeliveryState.PARKED]
    assert world.webhook(hook)["state"] == "paused"
    assert not log.received


def test_a_test_send_answers_without_a_response(world: World, client: EgressClient) -> None:
    with log_receiver() as log:
        hook = world.add_webhook(f"syslog+tcp://127.0.0.1:{log.port}", sink="siem")
        loader = RuntimeLoader(world.vault, world.sinks)
        result = send_test(
            world.store, loader, client, hook.id, PLATFORM, clock=world.clock, random_bytes=secrets.token_bytes
        )
        assert result.request.body is not None
        assert log.wait_for(len(result.request.body)) == result.request.body
    assert (result.verdict, result.response) == ("accepted_unconfirmed", None)
    assert result.request.headers == ()


def test_only_a_sink_that_says_so_takes_a_syslog_endpoint_and_never_with_headers(world: World) -> None:
    with pytest.raises(InvalidInputError, match="This sink cannot send to syslog\\+tls:") as caught:
        world.add_webhook("syslog+tls://logs.example", sink="webhook")
    assert caught.value.field == "endpoint_url"
    with pytest.raises(InvalidInputError, match="syslog carries no headers"):
        world.add_webhook("syslog+tls://logs.example", sink="siem", headers={"x-key": "1"})
    hook = world.add_webhook("syslog+tls://logs.example", sink="siem")
    with pytest.raises(InvalidInputError, match="syslog carries no headers"):
        world.change(hook.id, headers={"x-key": "1"})
    with pytest.raises(InvalidInputError, match="This sink cannot send to"):
        world.change(hook.id, sink="webhook")
