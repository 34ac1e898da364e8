"""The health of a receiver: waits that grow, probes, recovery and the end, as rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import DAY, MINUTE, SECOND
from app.core.receiver_health import (
    FAILING_AFTER,
    GIVE_UP_AFTER,
    HEALTHY,
    Condition,
    Health,
    after_failure,
    after_refusal,
    after_success,
    after_throttle,
    held_back,
    resumed_with_a_probe,
)

NOW = 1_800_000_000_000_000


def fail(health: Health, times: int, now: int = NOW, started_at: int | None = None) -> Health:
    for _ in range(times):
        health = after_failure(health, "500", now, now if started_at is None else started_at, 0.0)
    return health


def throttle(health: Health, asked: float | None = None, now: int = NOW, started_at: int = NOW) -> Health:
    return after_throttle(health, "429", asked, now, started_at, 0.0)


def test_a_few_failures_hold_nothing_back() -> None:
    health = fail(HEALTHY, FAILING_AFTER - 1)
    assert (health.condition, health.held_until, health.since) == (Condition.UNSTEADY, 0, NOW)


def test_a_run_of_failures_lets_only_probes_through() -> None:
    health = fail(HEALTHY, FAILING_AFTER)
    assert (health.condition, health.is_probing, health.held_until) == (Condition.FAILING, True, NOW + 10 * SECOND)


def test_failures_that_were_under_way_together_lengthen_no_wait() -> None:
    health = fail(HEALTHY, FAILING_AFTER + 200)
    assert (health.failures, health.held_until) == (FAILING_AFTER + 200, NOW + 10 * SECOND)


def test_each_probe_that_fails_doubles_the_wait_up_to_ten_minutes() -> None:
    health, now, waits = fail(HEALTHY, FAILING_AFTER), NOW, []
    for _ in range(9):
        now = health.held_until
        health = fail(health, 1, now + 1)
        waits.append((health.held_until - now - 1) // SECOND)
    assert waits == [20, 40, 80, 160, 320, 600, 600, 600, 600]


def test_the_first_success_ends_all_trouble() -> None:
    for health in (fail(HEALTHY, 3), fail(HEALTHY, 99), throttle(HEALTHY), after_refusal(HEALTHY, "422", NOW)):
        assert after_success(health, health.held_at + 1) == HEALTHY


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [(0, 0), (7, 7), (86_400, 86_400), (315_360_000, 86_400), (None, 1), (-5, 1), (math.nan, 1), (math.inf, 1)],
)
def test_a_throttle_waits_as_long_as_asked_up_to_a_day_and_a_second_otherwise(asked: float | None, wait_s: int) -> None:
    health = throttle(HEALTHY, asked)
    assert (health.condition, health.held_until) == (Condition.THROTTLED, NOW + wait_s * SECOND)


def test_throttles_without_a_wish_double_the_wait_up_to_five_minutes() -> None:
    health, now, waits = HEALTHY, NOW, []
    for _ in range(11):
        health = throttle(health, None, now, now)
        waits.append((health.held_until - now) // SECOND)
        now = health.held_until + 1
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_throttles_of_one_round_count_as_one_and_the_longest_wish_wins() -> None:
    health = throttle(HEALTHY, None, NOW, NOW - 5)
    for asked in (None, 30, 3, None):
        health = throttle(health, asked, NOW, NOW - 1)
    assert (health.backoffs, health.held_until, health.failures) == (1, NOW + 30 * SECOND, 5)


def test_a_success_that_left_before_the_throttle_does_not_lift_it_but_proves_the_receiver() -> None:
    health = after_success(throttle(HEALTHY, 60, NOW + 9, NOW), NOW + 1)
    assert (health.condition, health.held_until) == (Condition.THROTTLED, NOW + 9 + 60 * SECOND)
    assert (health.failures, health.since) == (0, NOW + 9)


def test_a_late_success_opens_a_failing_receiver_at_once() -> None:
    assert after_success(fail(HEALTHY, FAILING_AFTER), NOW - 1) == HEALTHY


def test_a_refusal_slows_nothing_opens_a_probe_and_is_no_success() -> None:
    health = after_refusal(fail(HEALTHY, FAILING_AFTER, NOW), "422", NOW + DAY)
    assert (health.condition, health.is_probing, health.since) == (Condition.UNSTEADY, False, NOW)
    assert health.misses == FAILING_AFTER + 1


@pytest.mark.parametrize(
    ("misses", "age", "given_up"), [(20, 5 * DAY, True), (20, 5 * DAY - 1, False), (19, 9 * DAY, False)]
)
def test_five_days_and_a_number_of_misses_are_the_end(misses: int, age: int, given_up: bool) -> None:  # noqa: FBT001 - a table
    assert GIVE_UP_AFTER == 5 * DAY
    for health in (Health(failures=misses, misses=misses, since=NOW), Health(misses=misses, since=NOW)):
        assert health.is_given_up(NOW + age) is given_up


def test_a_strict_head_holds_its_webhook_and_never_shortens_a_wait() -> None:
    assert held_back(fail(HEALTHY, 1), NOW + MINUTE).held_until == NOW + MINUTE
    assert held_back(throttle(HEALTHY, 60), NOW).held_until == NOW + MINUTE


def test_resuming_with_care_means_one_delivery_at_a_time_and_no_wait() -> None:
    health = resumed_with_a_probe(NOW)
    assert (health.is_probing, health.held_until) == (True, 0)
    assert after_success(health, NOW) == HEALTHY
    assert fail(health, 1).held_until == NOW + 10 * SECOND


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["success", "failure", "throttle", "refusal"]),
        st.integers(0, 10**9),
        st.integers(0, 10**8),
        st.none() | st.floats(),
    ),
    max_size=60,
)


@given(STEPS, st.floats(0, 1, exclude_max=True))
def test_no_course_of_events_waits_more_than_a_day_or_goes_backwards(
    steps: list[tuple[str, int, int, float | None]], jitter: float
) -> None:
    health, now = HEALTHY, NOW
    for kind, passed, ago, asked in steps:
        now += passed
        before, started_at = health, now - ago
        if kind == "success":
            health = after_success(health, started_at)
        elif kind == "failure":
            health = after_failure(health, "no", now, started_at, jitter)
        elif kind == "throttle":
            health = after_throttle(health, "no", asked, now, started_at, jitter)
        else:
            health = after_refusal(health, "no", now)
        assert health.held_until <= max(before.held_until, now + math.ceil(1.1 * DAY))
        assert health.failures <= health.misses
        assert bool(health.since) == bool(health.misses) or health.throttled
        if kind in {"failure", "throttle"}:
            assert health.held_until >= before.held_until
            assert health.condition is not Condition.HEALTHY
