"""Numbers that strangers write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.whole_numbers import HIGHEST, whole_number


@given(st.integers(0, HIGHEST))
def test_every_number_that_a_column_holds_is_read(number: int) -> None:
    assert whole_number(str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "1.0", "²", "٣", str(HIGHEST + 1), "9" * 19, "9" * 5000])
def test_what_is_no_such_number_is_none(text: str) -> None:
    assert whole_number(text) is None
