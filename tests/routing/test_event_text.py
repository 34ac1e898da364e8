"""Searching the text of an event."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.routing.event_text import needle_of


@given(st.text(max_size=5), st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_whatever_is_part_of_a_value_is_found(before: str, part: str, after: str) -> None:
    assert needle_of(part).is_in(orjson.dumps({"field": before + part + after}))


@pytest.mark.parametrize(
    ("part", "is_there"), [("CERT", True), ("STRASSE", True), ("Σ", True), ("other", False), ('"', True)]
)
def test_case_does_not_count(part: str, is_there: bool) -> None:  # noqa: FBT001 - a table
    assert needle_of(part).is_in(orjson.dumps({"field": "Certificate of the straße, ΟΔΟΣ"})) is is_there


def test_a_plain_text_is_looked_for_once() -> None:
    assert needle_of("RADIUS allow-list").spellings == ("radius allow-list",)
    assert needle_of('a "b"').spellings == ('a "b"', 'a \\"b\\"')
