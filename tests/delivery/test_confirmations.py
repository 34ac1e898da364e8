"""A receiver that confirms later: accepted is not delivered, and nothing in between is lost or lied about."""

from __future__ import annotations

from sqlalchemy import func, select

from app.core.clock import SECOND
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.drain import Drain
from app.store.left_behind import skip_left_behind
from app.store.partitions import PARTITION_LEASE
from app.store.tables_receipts import receipts
from tests.conftest import MovableClock
from tests.delivery.hec import POLL, RETRY, TOKEN, WAIT, Collector, add_hook, balanced
from tests.delivery.receiver import Reply
from tests.world import PLATFORM, World, settle, step

ACCEPTED, DELIVERED, PENDING = DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.PENDING
SKIPPED = DeliveryState.SKIPPED


def waiting(world: World) -> int:
    with world.store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(receipts)).scalar_one())


def test_accepted_becomes_delivered_with_the_acknowledgement_and_not_before(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector, headers={"x-proxy": "yes"})
    world.send_numbers(1, 2, 3)
    world.deliver(drain)
    assert world.states(hook) == [ACCEPTED] * 3
    assert {attempt.outcome for attempt in world.attempts(hook)} == {AttemptOutcome.UNCONFIRMED}
    balanced(world, hook, confirming=3, delivered=0, pending=0, duplicates_possible=0)
    world.deliver(drain)
    assert collector.polls == [], "not before its time"
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert [sorted(numbers) for numbers in collector.asked] == [[0, 1, 2]]
    assert collector.polls[0].header("x-proxy") == "yes"
    assert collector.polls[0].header("authorization") == f"Splunk {TOKEN}"
    channel = collector.sent[0].header("x-splunk-request-channel")
    assert collector.polls[0].header("x-splunk-request-channel") == channel
    assert "webhook-signature" not in dict(collector.polls[0].headers)
    assert world.states(hook) == [DELIVERED] * 3
    (attempt,) = world.attempts(hook)
    assert (attempt.outcome, "confirmed" in str(attempt.detail)) == (AttemptOutcome.DELIVERED, True)
    balanced(world, hook, confirming=0, delivered=3, duplicates_possible=0)
    assert waiting(world) == 0


def test_false_is_never_a_failure_and_late_acknowledgements_count(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    collector.indexed = lambda number: number == 1
    world.send_numbers(1, 2)
    world.deliver(drain)
    for _ in range(5):
        clock.advance(POLL + SECOND)
        world.deliver(drain)
    assert sorted(world.states(hook)) == [DELIVERED, ACCEPTED]
    collector.indexed = lambda _number: True
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, DELIVERED]
    assert len(collector.event_ids) == 2
    balanced(world, hook, delivered=2, duplicates_possible=0)


def test_what_is_never_acknowledged_is_sent_again_under_the_same_id_and_counted(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    collector.indexed = lambda number: number > 0
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(WAIT + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [PENDING]
    (row,) = world.deliveries(hook)
    assert "did not confirm it within 300 s" in str(row.reason)
    balanced(world, hook, pending=1, confirming=0, duplicates_possible=1)
    assert world.ledger().causes == {"unconfirmed": 1}
    assert waiting(world) == 0
    clock.advance(RETRY)
    world.deliver(drain)
    assert world.states(hook) == [ACCEPTED]
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert len({request.header("webhook-id") for request in collector.sent}) == 1
    assert [one.outcome for one in world.attempts(hook)] == [AttemptOutcome.UNKNOWN, AttemptOutcome.DELIVERED]
    balanced(world, hook, delivered=1, duplicates_possible=1)


def test_a_batch_has_one_receipt_per_request_and_comes_back_as_the_same_message(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector, mode="batch", batch={"max_events": 5}, config={"max_events": 2}, concurrency=1)
    world.send_numbers(*range(1, 6))
    world.deliver(drain)
    assert world.states(hook) == [ACCEPTED] * 5
    assert (len(collector.sent), waiting(world)) == (3, 3)
    collector.indexed = lambda number: number != 1
    clock.advance(WAIT + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, DELIVERED, PENDING, PENDING, DELIVERED]
    balanced(world, hook, confirming=0, delivered=3, pending=2, duplicates_possible=2)
    clock.advance(RETRY)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 5
    again = [request.header("webhook-id") for request in collector.sent]
    assert again[3] == again[1]
    assert collector.sent[3].body == collector.sent[1].body
    balanced(world, hook, delivered=5, duplicates_possible=2)


def test_a_batch_whose_other_members_are_tried_again_keeps_those_that_are_accepted(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector, mode="batch", batch={"max_events": 4}, config={"max_events": 2}, concurrency=1)
    collector.event_script = [Reply(500)]
    collector.indexed = lambda number: number > 0
    world.send_numbers(*range(1, 5))
    world.deliver(drain)
    assert world.states(hook) == [PENDING, PENDING, ACCEPTED, ACCEPTED]
    clock.advance(RETRY)
    world.deliver(drain)
    assert len(collector.sent) == 3
    clock.advance(WAIT + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, DELIVERED, PENDING, PENDING]
    clock.advance(RETRY)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED] * 4
    balanced(world, hook, delivered=4, duplicates_possible=2)


def test_a_thousand_receipts_make_one_question_and_the_rest_the_next(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(*range(1_005))
    world.deliver(drain)
    assert world.account(hook).confirming == 1_005
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    clock.advance(SECOND)
    world.deliver(drain)
    assert [len(numbers) for numbers in collector.asked] == [1_000, 5]
    balanced(world, hook, delivered=1_005)


def test_a_worker_that_dies_between_sending_and_asking_leaves_the_receipt_to_the_next(
    world: World, collector: Collector, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    drain.turn([hook.partition])
    drain.launch()
    clock.advance(PARTITION_LEASE + 1)
    settle(successor, [hook.partition])
    assert world.states(hook) == [DELIVERED]
    assert len(collector.sent) == 1
    balanced(world, hook, delivered=1, duplicates_possible=0)
    for _ in range(20):
        step(drain)
    assert world.states(hook) == [DELIVERED], "the late word of the dead changes nothing"
    balanced(world, hook, delivered=1, duplicates_possible=0)


def test_a_worker_that_dies_with_the_answer_costs_a_counted_repetition(
    world: World, collector: Collector, drain: Drain, successor: Drain, clock: MovableClock
) -> None:
    """A collector forgets a number once it has said that it is indexed. Its word died with the worker."""
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    drain.turn([hook.partition])
    while not collector.polls:
        drain.launch()
        drain.poll(0.02)
    collector.indexed = lambda number: number > 0
    clock.advance(WAIT)
    settle(successor, [hook.partition])
    assert world.states(hook) == [PENDING]
    clock.advance(RETRY)
    world.deliver(successor)
    clock.advance(POLL + SECOND)
    world.deliver(successor)
    assert world.states(hook) == [DELIVERED]
    balanced(world, hook, delivered=1, duplicates_possible=1)


def test_a_collector_that_counts_anew_confirms_nothing_of_its_earlier_life(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    collector.restart()
    world.send_numbers(2)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    clock.advance(SECOND)
    world.deliver(drain)
    assert world.states(hook) == [PENDING, DELIVERED]
    balanced(world, hook, pending=1, delivered=1, duplicates_possible=1)
    clock.advance(RETRY)
    world.deliver(drain)
    clock.advance(POLL + SECOND)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED, DELIVERED]


def test_a_webhook_that_is_paused_keeps_what_is_accepted_and_asks_on_after_it_is_resumed(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    world.deliver(drain)
    world.webhooks.pause(PLATFORM, hook.id)
    clock.advance(2 * WAIT)
    world.deliver(drain)
    assert (world.states(hook), collector.polls) == ([ACCEPTED], [])
    world.webhooks.resume(PLATFORM, hook.id)
    world.deliver(drain)
    assert world.states(hook) == [DELIVERED]
    assert len(collector.sent) == 1


def test_a_deleted_webhook_leaves_no_receipt_and_says_that_nothing_was_confirmed(
    world: World, collector: Collector, drain: Drain
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1, 2)
    world.deliver(drain)
    world.webhooks.delete(PLATFORM, hook.id)
    assert world.states(hook) == [SKIPPED] * 2
    assert "not confirmed" in str(world.deliveries(hook)[0].reason)
    assert waiting(world) == 0
    assert world.ledger().balanced


def test_what_was_on_its_way_to_a_deleted_webhook_is_skipped_too(
    world: World, collector: Collector, drain: Drain, clock: MovableClock
) -> None:
    hook = add_hook(world, collector)
    world.send_numbers(1)
    drain.turn([hook.partition])
    drain.launch()
    world.webhooks.delete(PLATFORM, hook.id)
    settle(drain, [])
    assert world.states(hook) == [ACCEPTED]
    with world.store.write() as connection:
        assert skip_left_behind(connection, clock(), "the webhook was deleted") == 1
    assert world.states(hook) == [SKIPPED]
    assert world.ledger().balanced
