"""Backfills: what the present routing owes of the past, and what it keeps back."""

from __future__ import annotations

from typing import Any

from app.core.clock import HOUR, SECOND
from app.delivery.drain import Drain
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from tests.conftest import MovableClock
from tests.delivery.receiver import Receiver
from tests.delivery.replay_steps import (
    DELIVERED,
    NOWHERE,
    PENDING,
    SKIPPED,
    order,
    seconds,
    start,
)
from tests.world import PLATFORM, Hook, World, audit


def test_a_backfill_makes_the_deliveries_of_the_present_routing_that_are_not_there(
    world: World, target: Receiver, drain: Drain, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    in_context = {"context": {"id": "c1"}, "organization_id": "acme"}
    world.send(audit(1), audit(2, eventId="entrypoint.radius.accounting"), audit(3, eventId="signin.success"))
    world.send({"id": "event-4", "type": "entrypoint.configuration.audit", **in_context})
    clock.advance(HOUR)
    since = clock()
    world.send(audit(5), {"id": "event-6", "type": "entrypoint.configuration.audit", **in_context})
    whole = world.add_webhook(target.url)
    narrow = world.add_webhook(target.url, context="c1")
    typed = world.add_webhook(target.url, event_types=["signin.success"])
    world.send_numbers(7)
    clock.advance(SECOND)

    def count(hook: Hook, **more: Any) -> int:
        return replays.count(PLATFORM, hook.id, order("backfill", **more))

    assert [count(hook) for hook in (whole, narrow, typed)] == [5, 2, 1]
    assert [count(hook, since=since) for hook in (whole, narrow, typed)] == [2, 1, 0]
    for hook in (whole, narrow, typed):
        start(replays, hook, "backfill")
    seconds(replayer, clock, 1)
    assert [row.event_id for row in world.deliveries(whole)] == [f"event-{n}" for n in (1, 3, 4, 5, 6, 7)]
    assert [row.event_id for row in world.deliveries(narrow)] == ["event-4", "event-6"]
    assert [row.event_id for row in world.deliveries(typed)] == ["event-3"]
    assert [count(hook) for hook in (whole, narrow, typed)] == [0, 0, 0]
    assert world.ledger().balanced
    assert world.account(whole).owed == 6
    world.deliver(drain)
    assert world.states(whole) == [DELIVERED] * 6
    assert len(set(target.ids)) == 9


def test_a_backfill_asks_the_webhooks_own_conditions_and_records_what_they_keep_back(
    world: World, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    in_context = {"type": "entrypoint.configuration.audit", "organization_id": "acme", "actor": {"type": "admin"}}
    world.send(
        {"id": "event-1", "tags": ["policy"], "context": {"id": "c1"}, **in_context},
        {"id": "event-2", "tags": ["trusted_ca"], "context": {"id": "c1"}, **in_context},
        {"id": "event-3", "tags": ["trusted_ca"], "context": {"id": "c2"}, **in_context},
        {"id": "event-4", "tags": ["trusted_ca"], **in_context, "actor": {"type": "system"}},
    )
    picky = world.add_webhook(
        NOWHERE,
        filter={"tags": ["trusted_ca"]},
        muted_contexts=["c2"],
        only_outside_change_windows=True,
    )
    clock.advance(SECOND)
    start(replays, picky, "backfill")
    seconds(replayer, clock, 2)
    assert [(row.event_id, row.state, row.reason) for row in world.deliveries(picky)] == [
        ("event-1", SKIPPED, "the filter says no at /tags"),
        ("event-2", PENDING, None),
        ("event-4", SKIPPED, "the system made this change; change windows are for people"),
    ]
    assert world.account(picky).owed == 3
    assert world.ledger().balanced


def test_a_backfill_into_a_batch_webhook_waits_for_its_batch(
    world: World, target: Receiver, drain: Drain, replays: ReplayService, replayer: Replayer, clock: MovableClock
) -> None:
    world.send_numbers(*range(1, 7))
    hook = world.add_webhook(target.url, mode="batch", batch={"max_age_s": 600})
    clock.advance(SECOND)
    start(replays, hook, "backfill", per_s=2)
    seconds(replayer, clock, 4)
    world.deliver(drain)
    assert (world.states(hook), len(target.requests)) == ([PENDING] * 6, 0)
    clock.advance(600 * SECOND)
    world.deliver(drain)
    assert (world.states(hook), len(target.requests)) == ([DELIVERED] * 6, 1)
    assert world.ledger().balanced
