"""A poison event in a batch: it fails with the receiver's words, and its neighbours are delivered."""

from __future__ import annotations

from collections.abc import Collection

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.batch_history import list_batches, list_requests
from app.delivery.drain import Drain
from app.delivery.isolation import PATIENCE, patience_after, wants_halves, without_patience
from app.sinks import Limits
from app.sinks.types import Outcome, Verdict
from tests.delivery.odd_sinks import OddSink
from tests.delivery.receiver import Received, Receiver, Reply
from tests.world import PLATFORM, World, settle

DELIVERED, PENDING, FAILED = DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.FAILED
REJECT, SPLIT, FINE = Outcome(Verdict.REJECT, "no"), Outcome(Verdict.SPLIT, "large"), Outcome(Verdict.DELIVERED)


def event_ids(request: Received) -> list[str]:
    return [event["id"] for event in orjson.loads(request.body)]


def refusing(*poison: str) -> Reply | object:
    def respond(request: Received) -> Reply:
        return Reply(400, body=b"not this one") if set(poison) & set(event_ids(request)) else Reply()

    return respond


def test_a_poison_event_fails_alone_and_its_neighbours_are_delivered(
    world: World, target: Receiver, drain: Drain
) -> None:
    target.respond = refusing("event-5")
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 16})
    world.send_numbers(*range(1, 17))
    settle(drain, [hook.partition])
    assert world.states(hook) == [DELIVERED] * 4 + [FAILED] + [DELIVERED] * 11
    (attempt,) = world.attempts(hook, 4)
    assert attempt.outcome is AttemptOutcome.REJECTED
    assert attempt.response is not None
    assert (attempt.response.status, attempt.response.body) == (400, b"not this one")
    assert len(target.requests) == 9, "the whole, and two halves four times"
    with world.store.read() as connection:
        (batch,) = list_batches(connection, hook.id, PLATFORM, limit=9)
        requests = list_requests(connection, batch, limit=99)
    assert sorted((one.status, one.event_count) for one in requests if one.status == 400) == [
        (400, 1),
        (400, 2),
        (400, 4),
        (400, 8),
        (400, 16),
    ]
    assert {one.message_id for one in requests} == set(target.ids)
    assert world.ledger().balanced


def test_a_receiver_that_refuses_everything_is_not_asked_for_ever(world: World, target: Receiver, drain: Drain) -> None:
    target.respond = lambda _request: Reply(400)
    hook = world.add_webhook(target.url, mode="batch", batch={"max_events": 500})
    world.send_numbers(*range(1, 501))
    settle(drain, [hook.partition])
    assert len(target.requests) < 3 * PATIENCE
    states = world.states(hook)
    assert set(states) == {FAILED, PENDING}, "some stood alone, the rest waits"
    waiting = world.attempts(hook, states.index(PENDING))
    assert "too many refusals" in (waiting[0].detail or "")


@pytest.mark.parametrize("method", ["build_request", "classify"])
def test_a_plugin_that_raises_for_one_event_does_not_take_its_neighbours(
    world: World, target: Receiver, drain: Drain, method: str
) -> None:
    world.sinks.put(OddSink(method, victims=["event-3"], limits=Limits(max_events=8)))
    hook = world.add_webhook(target.url, mode="batch", sink="odd", batch={"max_events": 8})
    world.send_numbers(*range(1, 9))
    settle(drain, [hook.partition])
    assert world.states(hook).count(DELIVERED) >= 7
    assert world.ledger().balanced


def asked(size: int, poison: Collection[int]) -> tuple[int, set[int], set[int]]:
    """What becomes of a batch: requests made, events that failed, events that are tried again."""
    queue, patience, requests = [range(size)], PATIENCE, 0
    failed: set[int] = set()
    again: set[int] = set()
    while queue:
        parcel = queue.pop()
        requests += 1
        outcome = REJECT if set(poison) & set(parcel) else FINE
        patience = patience_after(patience, outcome, len(parcel))
        if wants_halves(outcome, len(parcel), patience):
            middle = len(parcel) // 2
            queue += [parcel[middle:], parcel[:middle]]
        elif without_patience(outcome, len(parcel)).verdict is Verdict.RETRY:
            again.update(parcel)
        elif outcome is REJECT:
            failed.update(parcel)
    return requests, failed, again


@given(st.integers(1, 400).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
def test_no_good_event_fails_and_no_bad_one_is_delivered(case: tuple[int, set[int]]) -> None:
    size, poison = case
    requests, failed, again = asked(size, poison)
    assert failed <= poison <= failed | again
    assert requests <= 2 * size


def test_one_poison_event_of_twenty_thousand_takes_about_thirty_requests() -> None:
    requests, failed, again = asked(20_000, {12_345})
    assert (failed, again) == ({12_345}, set())
    assert requests <= 31


@pytest.mark.parametrize(
    ("outcome", "items", "left"),
    [(REJECT, 2, 9), (REJECT, 1, 9), (SPLIT, 2, 10), (SPLIT, 1, 9), (FINE, 2, 14), (Outcome(Verdict.RETRY), 2, 10)],
)
def test_what_costs_patience_and_what_gives_some_back(outcome: Outcome, items: int, left: int) -> None:
    assert patience_after(10, outcome, items) == left
