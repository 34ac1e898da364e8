"""On every path the bytes that arrive are the bytes that were signed and the bytes that history shows."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import update

from app.core.clock import HOUR, SECOND
from app.core.ids import delivery_id
from app.core.signing import parse_secret, verify
from app.core.states import DeliveryState
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.redeliver import redeliver
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from app.delivery.runtime import RuntimeLoader
from app.delivery.test_send import send_test
from app.store.tables import deliveries
from tests.conftest import MovableClock
from tests.delivery.receiver import Received, Receiver
from tests.delivery.replay_steps import seconds, start
from tests.world import PLATFORM, Hook, World, audit

ODD = {"description": 'Zeichen \u00fc\u2028 \U0001f512 "<script>" \\u0000 \t', "actor": {"id": "\u202eevil"}}
"""Text that a second serialiser, or a second encoding, would write otherwise."""


def check(world: World, hook: Hook, got: Received, stored: bytes | None) -> None:
    assert stored == got.body
    secret = world.webhooks.secret(PLATFORM, hook.id)["secret"]
    proof = verify(
        [parse_secret(secret)],
        message_id=got.header("webhook-id"),
        timestamp=got.header("webhook-timestamp"),
        signature=got.header("webhook-signature"),
        body=got.body,
        now_s=world.clock() // SECOND,
        tolerance_s=3 * HOUR // SECOND,
    )
    assert proof.ok
    assert int(got.header("content-length")) == len(got.body)


def stored_bodies(world: World, hook: Hook) -> list[bytes | None]:
    return [attempt.request.body for attempt in world.attempts(hook) if attempt.request]


@pytest.mark.parametrize("mode", ["instant", "batch"])
def test_deliveries_redeliveries_and_replays(
    world: World,
    target: Receiver,
    drain: Drain,
    replays: ReplayService,
    replayer: Replayer,
    clock: MovableClock,
    mode: str,
) -> None:
    hook = world.add_webhook(target.url, mode=mode)
    world.send(audit(1, **ODD))
    clock.advance(HOUR)
    world.deliver(drain)
    with world.store.write() as connection:
        redeliver(connection, delivery_id(hook.id, world.deliveries(hook)[0].event_seq), PLATFORM, clock())
    clock.advance(HOUR)
    world.deliver(drain)
    start(replays, hook)
    seconds(replayer, clock, 2)
    clock.advance(HOUR)
    world.deliver(drain)
    assert len(target.requests) == 3
    for got, stored in zip(target.requests, stored_bodies(world, hook), strict=True):
        check(world, hook, got, stored)


def test_retries_probes_and_backfills(
    world: World, target: Receiver, drain: Drain, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    world.send(audit(1, **ODD))
    clock.advance(SECOND)
    hook = world.add_webhook(target.url)
    start(replays, hook, "backfill")
    seconds(replayer, clock, 2)
    world.deliver(drain)
    with world.store.write() as connection:
        again = {"state": DeliveryState.PENDING, "due_at": clock(), "tries": 1}
        connection.execute(update(deliveries).where(deliveries.c.webhook_pk == hook.pk).values(again))
    world.deliver(drain)
    assert len(target.requests) == 2
    for got, stored in zip(target.requests, stored_bodies(world, hook), strict=True):
        check(world, hook, got, stored)
    assert len(set(target.ids)) == 1


def test_a_test_send_shows_what_it_sent(world: World, target: Receiver, client: EgressClient) -> None:
    hook = world.add_webhook(target.url)
    result = send_test(
        *(world.store, RuntimeLoader(world.vault, world.sinks), client, hook.id, PLATFORM),
        clock=world.clock,
        random_bytes=secrets.token_bytes,
    )
    (got,) = target.requests
    check(world, hook, got, result.request.body)
