from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import SECOND
from app.core.rate_limit import Rate, seconds_to_wait

NOW = 1_790_000_000 * SECOND


def spent(rate: Rate, full_at: int, now: int, number: int) -> int:
    return max(full_at, now) + rate.cost(number)


def test_a_full_bucket_gives_its_burst_at_once_and_then_nothing() -> None:
    rate, full_at = Rate(10, 5), 0
    for _ in range(5):
        assert rate.wait(full_at, NOW) == 0
        full_at = spent(rate, full_at, NOW, 1)
    assert rate.wait(full_at, NOW) == SECOND // 10


def test_a_large_post_gets_through_and_is_paid_back() -> None:
    rate = Rate(10, 5)
    full_at = spent(rate, 0, NOW, 1_000)
    assert rate.wait(full_at, NOW) == 100 * SECOND - rate.cost(4)
    assert rate.wait(full_at, NOW + 100 * SECOND) == 0


@given(
    st.integers(1, 10_000), st.integers(1, 5_000), st.lists(st.tuples(st.integers(0, 5 * SECOND), st.integers(1, 50)))
)
def test_whatever_comes_no_more_gets_in_than_burst_rate_and_one_post(
    per_s: int, burst: int, posts: list[tuple[int, int]]
) -> None:
    rate, full_at, now, taken = Rate(per_s, burst), 0, NOW, 0
    for pause, number in posts:
        now += pause
        wait = rate.wait(full_at, now)
        if wait:
            # Whoever waits as long as was asked gets in.
            assert rate.wait(full_at, now + wait) == 0
            continue
        full_at = spent(rate, full_at, now, number)
        taken += number
    assert taken <= burst + per_s * (now - NOW) / SECOND + 50


@pytest.mark.parametrize(("wait", "seconds"), [(1, 1), (SECOND, 1), (SECOND + 1, 2), (90 * SECOND, 90)])
def test_retry_after_is_never_too_early(wait: int, seconds: int) -> None:
    assert seconds_to_wait(wait) == seconds
