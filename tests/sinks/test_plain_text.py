from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sinks.plain_text import cut, one_line, text_of, value_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(empty)"),
        ("", "(empty)"),
        ([], "(empty)"),
        ({}, "(empty)"),
        (" \n\t ", "(empty)"),
        (True, "on"),
        (False, "off"),
        (0, "0"),
        (1.5, "1.5"),
        ("two\r\nlines", "two lines"),
        (["203.0.113.0/28", None, "0.0.0.0/0"], "203.0.113.0/28, (empty), 0.0.0.0/0"),
        ({"name": "Guests", "users": 14, "open": False}, "name: Guests, users: 14, open: off"),
        ([{"name": "VLAN", "value": "310"}], "VLAN=310"),
        ({"a": {"b": {"c": {"d": 1}}}}, "a: b: c: …"),
        ("left\u202eright", "leftright"),
        ("a\u200bb\ufeffc\u2066d\u00ade", "abcde"),
        ("nul\x00 and \x9b escape", "nul and escape"),
    ],
)
def test_a_value_in_words(value: Any, text: str) -> None:
    assert value_text(value, 200) == text


@pytest.mark.parametrize(("length", "kept"), [(9, 9), (10, 10), (11, 10), (10_000, 10)])
def test_text_is_cut_at_the_limit_with_an_ellipsis(length: int, kept: int) -> None:
    for shown in (cut("x" * length, 10), one_line("x" * length, 10), text_of("x" * length, 10)):
        assert len(shown) == kept
        assert shown.endswith("…") == (length > 10)


def test_a_megabyte_of_members_costs_no_megabyte() -> None:
    assert len(text_of(["y" * 1000] * 100_000, 50)) == 50


@given(JSON, st.integers(5, 300))
def test_any_value_is_one_printable_bounded_line(value: Any, limit: int) -> None:
    shown = value_text(value, limit)
    assert 0 < len(shown) <= max(limit, len("(empty)"))
    assert not [c for c in shown if c in "\r\n\t\x00\u202e\u2066\u200b\u2028" or ord(c) < 32 or 127 <= ord(c) < 160]
