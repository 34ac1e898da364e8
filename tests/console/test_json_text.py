"""JSON as people read it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console.json_text import indented

PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30)
JSON = st.recursive(
    PLAIN, lambda one: st.lists(one, max_size=5) | st.dictionaries(st.text(max_size=9), one, max_size=5)
)


@given(JSON)
def test_it_is_the_same_value(value: Any) -> None:
    assert orjson.loads(indented(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"sensitivity": [4, 5]}, '{\n  "sensitivity": [4, 5]\n}'),
        ({"tags": ["a", "b"], "none": []}, '{\n  "tags": ["a", "b"],\n  "none": []\n}'),
        ([{"numeric": [">=", 3]}], '[\n  {\n    "numeric": [">=", 3]\n  }\n]'),
    ],
)
def test_a_short_list_stays_on_one_line(value: Any, text: str) -> None:
    assert indented(value) == text


def test_a_long_list_has_a_line_for_each() -> None:
    assert len(indented(["a long word of a list"] * 5).splitlines()) == 7
