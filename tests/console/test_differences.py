"""Before and after: every leaf that differs is told once, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.console.differences import MOST_LINES, MOST_PATH, MOST_TEXT, Line, differences

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def change(before: Any, after: Any, *, secret: bool = False) -> dict[str, Any]:
    return {"field": "Allow-list", "path": "radius.clients", "before": before, "after": after, "secret": secret}


def lines(before: Any, after: Any) -> list[Line]:
    return list(differences([change(before, after)])[0].lines)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "on", [Line("+", "", None, "on")]),
        ("on", None, [Line("-", "", "on", None)]),
        ("on", "off", [Line("~", "", "on", "off")]),
        (1, True, [Line("~", "", "1", "true")]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [Line("~", "b", "2", "3")]),
        ({"a": {"b": 1}}, {"a": {}}, [Line("-", "a.b", "1", None)]),
        (["10.0.0.0/8"], ["10.0.0.0/8", "0.0.0.0/0"], [Line("+", "", None, "0.0.0.0/0")]),
        (["a", "b"], ["b", "c"], [Line("-", "", "a", None), Line("+", "", None, "c")]),
        (["a", "b"], ["b", "a"], [Line("~", "", '[\n  "a",\n  "b"\n]', '[\n  "b",\n  "a"\n]')]),
    ],
)
def test_what_is_told(before: Any, after: Any, expected: list[Line]) -> None:
    assert lines(before, after) == expected


@given(TREES)
def test_what_is_the_same_is_not_told(tree: Any) -> None:
    assert lines(tree, tree) == []


@given(TREES, TREES)
def test_there_and_back_are_mirrored(one: Any, other: Any) -> None:
    there, back = lines(one, other), lines(other, one)
    assert sorted((line.path, line.before or "", line.after or "") for line in there) == sorted(
        (line.path, line.after or "", line.before or "") for line in back
    )


def test_a_secret_is_shown_as_masked_and_never_by_its_value() -> None:
    (found,) = differences([change("hunter2", "hunter3", secret=True)])
    assert found.lines == (Line("~", "", "***", "***", secret=True),)


def test_long_lists_and_long_values_are_cut() -> None:
    found = differences([change([], [str(number) for number in range(10_000)]), change(None, "x" * 100_000)])
    assert [len(one.lines) for one in found] == [MOST_LINES, 0]
    assert all(one.cut for one in found)
    assert len(lines(None, "x" * 100_000)[0].after or "") == MOST_TEXT + 1


def test_a_long_name_is_not_repeated_on_every_line() -> None:
    many = {"k" * 100_000: {str(number): number for number in range(MOST_LINES)}}
    (found,) = differences([change({"k" * 100_000: {}}, many) | {"field": "f" * 9_000, "path": "p" * 9_000}])
    assert len(found.lines) == MOST_LINES
    told = [found.title, found.path or "", *(line.path for line in found.lines)]
    assert max(len(text) for text in told) <= MOST_PATH + 1
