"""A text by its lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console.text_lines import in_lines


@given(st.lists(st.text(alphabet="a\r\x0b\u2028 {", max_size=3), max_size=9).map("\n".join))
def test_the_parts_together_are_the_text(text: str) -> None:
    lines = in_lines(text)
    assert "".join(lines.open) == text
    assert lines.folded == 0
    assert len(lines.open) == text.count("\n") + 1


@pytest.mark.parametrize(("count", "more", "rest"), [(200, 0, 0), (201, 1, 0), (2_000, 1_800, 0), (2_003, 1_800, 3)])
def test_what_is_long_is_folded_and_what_is_very_long_loses_its_numbers_and_no_line(
    count: int, more: int, rest: int
) -> None:
    text = "\n".join(map(str, range(count)))
    lines = in_lines(text)
    assert "".join([*lines.open, *lines.more, lines.rest]) == text
    assert (len(lines.open), len(lines.more), len(lines.rest.splitlines())) == (200, more, rest)
    assert lines.folded == count - 200
