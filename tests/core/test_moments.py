import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import to_rfc3339
from app.core.moments import parse_moment

NOON = 1_776_602_096_000_000
"""2026-04-19T12:34:56Z."""


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-04-19T12:34:56Z", NOON),
        ("2026-04-19t12:34:56z", NOON),
        ("2026-04-19T12:34:56.118Z", NOON + 118_000),
        ("2026-04-19T12:34:56.118123Z", NOON + 118_123),
        ("2026-04-19T12:34:56.118123999Z", NOON + 118_123),
        ("2026-04-19T14:34:56+02:00", NOON),
        ("2026-04-19T12:34:56", NOON),
        ("2026-04-19 12:34:56", NOON),
        ("2026-04-19 12:34:56 UTC", NOON),
        (1776602096, NOON),
        (1776602096.5, NOON + 500_000),
        (1776602096118, NOON + 118_000),
        (NOON + 7, NOON + 7),
        (NOON * 1000 + 999, NOON),
        ("1776602096", NOON),
        ("1776602096118", NOON + 118_000),
        ("1776602096.5", NOON + 500_000),
        ("1970-01-01T00:00:00Z", 0),
        (0, 0),
        ("2026-10-25T02:30:00+02:00", 1_792_888_200_000_000),
        ("2026-10-25T02:30:00+01:00", 1_792_891_800_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000_000),
    ],
)
def test_every_way_to_write_a_time(written: object, moment: int) -> None:
    assert parse_moment(written) == moment


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "yesterday",
        True,
        [],
        {},
        float("nan"),
        float("inf"),
        10**40,
        "9" * 60,
        "nan",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time(written: object) -> None:
    assert parse_moment(written) is None


@given(st.text(max_size=40) | st.integers() | st.floats())
def test_whatever_is_read_can_be_written(written: object) -> None:
    moment = parse_moment(written)
    if moment is not None:
        assert to_rfc3339(moment).endswith("Z")
