import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import DAY, MINUTE, SECOND
from app.core.errors import InvalidInputError
from app.core.retry import DEFAULT_SCHEDULE, check_schedule, next_attempt

NOW = 1_776_602_096_000_000

schedules = st.lists(st.integers(1, 7 * 86400), max_size=20).map(tuple)
jitters = st.floats(0, 1, exclude_max=True)
waits = st.none() | st.floats(0, 1e12)


def test_the_default_schedule_is_seven_tries_at_2_to_64_minutes() -> None:
    moments = [next_attempt(done, DEFAULT_SCHEDULE, NOW, 0.0) for done in range(1, 8)]
    assert moments == [NOW + minutes * MINUTE for minutes in (2, 4, 8, 16, 32, 64)] + [None]


@given(schedule=schedules, jitter=jitters, retry_after=waits, data=st.data())
def test_never_earlier_than_the_schedule_or_the_receiver_said(
    schedule: tuple[int, ...], jitter: float, retry_after: float | None, data: st.DataObject
) -> None:
    done = data.draw(st.integers(1, len(schedule) + 1))
    due = next_attempt(done, schedule, NOW, jitter, retry_after)
    if done > len(schedule):
        assert due is None
        return
    floor = max(schedule[done - 1] * SECOND, min(retry_after or 0, 86400) * SECOND)
    assert due is not None
    assert floor <= due - NOW <= math.ceil(floor * 1.1) + 1


@given(schedule=schedules, first=jitters, second=jitters, retry_after=waits)
def test_more_jitter_is_never_earlier(
    schedule: tuple[int, ...], first: float, second: float, retry_after: float | None
) -> None:
    low, high = sorted((first, second))
    earlier, later = (next_attempt(0, schedule, NOW, jitter, retry_after) for jitter in (low, high))
    assert earlier is not None
    assert later is not None
    assert earlier <= later


@given(schedule=schedules.filter(bool), jitter=jitters, first=st.floats(0, 1e9), second=st.floats(0, 1e9))
def test_a_longer_retry_after_is_never_earlier(
    schedule: tuple[int, ...], jitter: float, first: float, second: float
) -> None:
    short, long = (next_attempt(1, schedule, NOW, jitter, asked) for asked in sorted((first, second)))
    assert short is not None
    assert long is not None
    assert short <= long


@given(schedule=schedules, jitter=jitters)
def test_every_delivery_ends_after_its_schedule(schedule: tuple[int, ...], jitter: float) -> None:
    tries, moment = 0, NOW
    while moment is not None:
        tries += 1
        due = next_attempt(tries, schedule, moment, jitter, 5.0)
        assert due is None or due > moment
        moment = due
    assert tries == len(schedule) + 1


def test_retry_after_counts_for_at_most_a_day() -> None:
    assert next_attempt(1, (60,), NOW, 0.0, math.inf) == NOW + DAY
    assert next_attempt(1, (2 * 86400,), NOW, 0.0, math.inf) == NOW + 2 * DAY


@pytest.mark.parametrize("nonsense", [-1.0, math.nan, -math.inf, None])
def test_a_nonsense_retry_after_is_ignored(nonsense: float | None) -> None:
    assert next_attempt(1, (60,), NOW, 0.0, nonsense) == NOW + MINUTE


def test_a_try_that_did_not_count_waits_for_the_receiver_only() -> None:
    assert next_attempt(0, (60,), NOW, 0.0, 7.0) == NOW + 7 * SECOND
    assert next_attempt(0, (), NOW, 0.0) == NOW


def test_retry_after_does_not_add_tries() -> None:
    assert next_attempt(2, (60,), NOW, 0.0, 1.0) is None


@given(schedule=schedules)
def test_a_schedule_within_bounds_is_kept_as_it_is(schedule: tuple[int, ...]) -> None:
    assert check_schedule(list(schedule)) == schedule


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([1] * 21, "retry.schedule_s"),
        ([0], "retry.schedule_s.0"),
        ([60, -1], "retry.schedule_s.1"),
        ([7 * 86400 + 1], "retry.schedule_s.0"),
        ([True], "retry.schedule_s.0"),
        ([1.5], "retry.schedule_s.0"),
        (["60"], "retry.schedule_s.0"),
        ([None], "retry.schedule_s.0"),
    ],
)
def test_a_schedule_out_of_bounds_names_the_entry(entries: list[object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_schedule(entries)
    assert caught.value.field == field
