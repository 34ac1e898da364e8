from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInputError
from app.core.header_rules import MAX_HEADERS, MAX_VALUE_LENGTH, REFUSED_NAMES, check_headers, header_lines


@pytest.mark.parametrize("name", [*sorted(REFUSED_NAMES), "HOST", "Content-Length", "Proxy-Authorization"])
def test_framing_headers_are_refused_at_save_and_in_the_builder(name: str) -> None:
    for check in (check_headers, header_lines):
        with pytest.raises(InvalidInputError):
            check([(name, "x")])


def test_only_the_builder_may_write_webhook_headers() -> None:
    assert header_lines([("webhook-id", "evt_1")]) == ["webhook-id: evt_1"]
    with pytest.raises(InvalidInputError):
        check_headers([("Webhook-Id", "x")])


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a;", "ä", "a\r\nb", "a\x00", "x" * 129])
def test_a_name_must_be_a_token(name: str) -> None:
    for check in (check_headers, header_lines):
        with pytest.raises(InvalidInputError):
            check([(name, "x")])


@pytest.mark.parametrize(
    "value", ["", " ", "\t", " a", "a ", "a\nb", "a\r\nb: c", "a\n", "a\x00", "ä", "\x7f", "x" * (MAX_VALUE_LENGTH + 1)]
)
def test_a_value_must_be_visible_ascii(value: str) -> None:
    for check in (check_headers, header_lines):
        with pytest.raises(InvalidInputError) as caught:
            check([("x-a", value)])
        assert caught.value.field == "headers.x-a"


def test_counts_and_lengths_at_the_edge() -> None:
    check_headers([(f"x-{n}", "x" * MAX_VALUE_LENGTH) for n in range(MAX_HEADERS)])
    with pytest.raises(InvalidInputError):
        check_headers([(f"x-{n}", "x") for n in range(MAX_HEADERS + 1)])


@given(st.text(max_size=20), st.text(max_size=40))
def test_no_accepted_line_can_become_two(name: str, value: str) -> None:
    try:
        lines = header_lines([(name, value)])
    except InvalidInputError:
        return
    assert len(lines[0].splitlines()) == 1
    assert lines[0].isascii()
