"""A lane: how many requests, which next, and how trouble narrows it. Shares and counts, no clocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import AT_ONCE, SECOND
from app.core.receiver_health import FAILING_AFTER, Health
from app.delivery.lanes import FIRST_WINDOW, QUEUE_PATIENCE, Lane, Load
from app.delivery.runtime import WebhookRuntime
from app.store.claim import Claimed

NOW = 1_800_000_000_000_000


class _Runtime:
    def __init__(self, concurrency: int = 64, rate_per_s: int | None = None) -> None:
        self.concurrency = concurrency
        self.rate_per_s = rate_per_s


def lane(concurrency: int = 64, rate_per_s: int | None = None) -> Lane:
    return Lane(cast("WebhookRuntime", _Runtime(concurrency, rate_per_s)), 1)


def load(number: int, *, retry: bool = False) -> Load:
    due_at = NOW if retry else AT_ONCE
    member = Claimed(1, number, 1, 1, orphan=False, due_at=due_at, event_id="e", event_type="t", body=b"")
    return Load((member,), NOW, is_retry=member.is_retry)


def filled(made: Lane, firsts: int, retries: int) -> Lane:
    for number in range(firsts):
        made.add(load(number))
    for number in range(retries):
        made.add(load(1_000 + number, retry=True))
    return made


def start_all(made: Lane) -> list[Load]:
    started = []
    while made.may_start(NOW):
        one = made.next()
        made.spend(one)
        started.append(one)
    return started


def test_an_unknown_receiver_gets_sixteen_requests_and_one_more_for_each_success() -> None:
    made = filled(lane(), 200, 0)
    assert len(start_all(made)) == FIRST_WINDOW
    for _ in range(100):
        made.widen()
    assert made.slots == 64
    assert lane(concurrency=4).slots == 4


def test_trouble_halves_the_window_once_per_round_down_to_one() -> None:
    made = lane()
    for moment in (10, 20, 30, 40, 50, 60):
        for _ in range(16):
            made.narrow(moment - 5, moment)
    assert made.slots == 1
    made.widen()
    assert made.slots == 2


def test_a_probing_webhook_has_one_slot_and_claims_one_delivery() -> None:
    made = lane()
    made.learn(Health(failures=FAILING_AFTER, misses=FAILING_AFTER, since=NOW, backoffs=1))
    assert (made.slots, made.room) == (1, 1)


def test_retries_leave_a_quarter_of_the_slots_to_first_attempts() -> None:
    made = filled(lane(concurrency=16), 0, 50)
    assert len(start_all(made)) == 12
    filled(made, 50, 0)
    assert len(start_all(made)) == 4


def test_every_fourth_start_is_a_retry_while_both_wait() -> None:
    started = start_all(filled(lane(concurrency=16), 50, 50))
    assert sum(one.is_retry for one in started) == 4


def test_one_by_one_a_retry_goes_when_no_first_attempt_waits() -> None:
    made = filled(lane(concurrency=1), 2, 1)
    order = []
    while made.has_queued:
        (one,) = start_all(made)
        order.append(one.is_retry)
        made.finish(one)
    assert order == [False, False, True]


def test_what_waits_too_long_is_overdue_whether_first_attempt_or_retry() -> None:
    for retries in (0, 1):
        made = filled(lane(), 1 - retries, retries)
        assert not made.is_overdue(NOW + QUEUE_PATIENCE)
        assert made.is_overdue(NOW + QUEUE_PATIENCE + 1)


def test_a_rate_bounds_what_is_started_in_a_second() -> None:
    made = filled(lane(rate_per_s=5), 100, 0)
    made.tokens = 5.0
    assert len(start_all(made)) == 5
    made.in_flight = 0
    assert made.may_start(NOW + SECOND // 5 + 1)


def test_a_stopped_or_full_lane_is_not_hungry() -> None:
    made = lane()
    assert made.is_hungry
    made.outstanding = made.room
    assert not made.is_hungry
    made.outstanding, made.stopped = 0, True
    assert not made.is_hungry
    assert not made.may_start(NOW)


def test_a_lane_that_sends_a_suspect_claims_nothing_beside_it() -> None:
    made = lane()
    made.alone = True
    assert made.room == 1
    made.outstanding = 1
    assert made.room == 0


STEPS = st.lists(st.sampled_from(["start", "finish", "widen", "narrow", "first", "retry", "fail", "heal"]), max_size=80)


@given(STEPS, st.integers(1, 64))
def test_no_course_of_events_exceeds_the_concurrency_or_loses_a_load(steps: list[str], concurrency: int) -> None:
    made, flying, now = lane(concurrency), cast("list[Any]", []), NOW
    added = finished = 0
    for step in steps:
        now += 1
        if step in {"first", "retry"}:
            made.add(load(added, retry=step == "retry"))
            added += 1
        elif step == "start" and made.may_start(now):
            flying.append(made.next())
            made.spend(flying[-1])
            assert made.in_flight <= made.slots <= concurrency
        elif step == "finish" and flying:
            made.finish(flying.pop())
            finished += 1
        elif step == "widen":
            made.widen()
        elif step == "narrow":
            made.narrow(now - 1, now)
        elif step in {"fail", "heal"}:
            made.health = replace(made.health, failures=FAILING_AFTER if step == "fail" else 0)
        assert made.slots >= 1
        assert made.in_flight == len(flying)
        assert made.retries_in_flight == sum(one.is_retry for one in flying)
    assert len(flying) + finished + len(made.take_all()) == added
    assert not made.has_queued
