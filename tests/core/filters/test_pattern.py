"""What a filter lets through, by table; and what it refuses to be, with the place named."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInputError
from app.core.filters import FilterTooCostlyError, read_filter

EVENT: dict[str, Any] = {
    "type": "entrypoint.configuration.audit",
    "action": "update",
    "actor": {"type": "admin", "email": "Admin@Example.com"},
    "context": None,
    "tags": ["ip_allowlist", "policy"],
    "sensitivity": 5,
    "outside_change_window": True,
    "empty": "",
    "nothing": [],
    "address": "10.1.2.3",
    "changes": [
        {"path": "identity_store.type", "secret": False, "after": "Microsoft Entra ID"},
        {"path": "network.cidrs", "secret": True, "after": ["0.0.0.0/0"]},
    ],
}

VERDICTS: list[tuple[dict[str, Any], bool]] = [
    ({"action": ["update"]}, True),
    ({"action": ["delete", "update"]}, True),
    ({"action": ["Update"]}, False),
    ({"action": ["update"], "sensitivity": [5]}, True),
    ({"action": ["update"], "sensitivity": [4]}, False),
    ({"sensitivity": [5.0]}, True),
    ({"sensitivity": [True]}, False),
    ({"outside_change_window": [True]}, True),
    ({"outside_change_window": [1]}, False),
    ({"context": [None]}, True),
    ({"context": [""]}, False),
    ({"empty": [""]}, True),
    ({"empty": [None]}, False),
    ({"absent": [None]}, False),
    ({"absent": [{"exists": False}]}, True),
    ({"absent": [{"exists": True}]}, False),
    ({"action": [{"exists": False}]}, False),
    ({"context": [{"exists": True}]}, True),
    ({"context": {"id": [{"exists": False}]}}, True),
    ({"context": {"id": ["ctx_1"]}}, False),
    ({"nothing": [{"exists": True}]}, True),
    ({"nothing": ["x"]}, False),
    ({"nothing": [{"anything-but": "x"}]}, False),
    ({"nothing": {"path": [{"exists": False}]}}, True),
    ({"tags": ["trusted_ca", "ip_allowlist"]}, True),
    ({"tags": ["trusted_ca"]}, False),
    ({"tags": [{"prefix": "ip_"}]}, True),
    # One element that is something else is enough; "not" says that none may be.
    ({"tags": [{"anything-but": "policy"}]}, True),
    ({"tags": [{"anything-but": ["policy", "ip_allowlist"]}]}, False),
    ({"not": {"tags": ["policy"]}}, False),
    ({"not": {"tags": ["trusted_ca"]}}, True),
    ({"actor": {"type": [{"anything-but": "system"}]}}, True),
    ({"absent": [{"anything-but": "system"}]}, False),
    ({"not": {"absent": ["system"]}}, True),
    ({"actor": {"email": [{"equals-ignore-case": "admin@example.COM"}]}}, True),
    ({"actor": {"email": [{"suffix": "@example.com"}]}}, False),
    ({"actor": {"email": [{"suffix": "@Example.com"}]}}, True),
    ({"type": [{"wildcard": "*.configuration.*"}]}, True),
    ({"type": [{"wildcard": "entrypoint.*.audit"}]}, True),
    ({"type": [{"wildcard": "entrypoint.*.configuration.audit"}]}, False),
    ({"action": [{"wildcard": "up*date"}]}, True),
    ({"action": [{"wildcard": "upd*date"}]}, False),
    ({"action": [{"wildcard": "*"}]}, True),
    ({"sensitivity": [{"wildcard": "*"}]}, False),
    ({"action": [{"anything-but": {"prefix": "up"}}]}, False),
    ({"action": [{"anything-but": {"wildcard": "de*"}}]}, True),
    ({"sensitivity": [{"numeric": [">=", 4]}]}, True),
    ({"sensitivity": [{"numeric": [">", 0, "<", 5]}]}, False),
    ({"sensitivity": [{"numeric": ["=", 5]}]}, True),
    ({"action": [{"numeric": [">", 0]}]}, False),
    ({"outside_change_window": [{"numeric": [">", 0]}]}, False),
    ({"address": [{"cidr": "10.0.0.0/8"}]}, True),
    ({"address": [{"cidr": "10.2.0.0/16"}]}, False),
    ({"address": [{"cidr": "::/0"}]}, False),
    ({"changes": {"after": [{"cidr": "0.0.0.0/0"}]}}, True),
    ({"changes": {"path": [{"prefix": "identity_store."}], "secret": [False]}}, True),
    ({"changes": {"path": [{"prefix": "identity_store."}], "secret": [True]}}, False),
    ({"any": [{"action": ["delete"]}, {"sensitivity": [5]}]}, True),
    ({"any": [{"action": ["delete"]}, {"sensitivity": [4]}]}, False),
    ({"all": [{"tags": ["policy"]}, {"tags": ["ip_allowlist"]}]}, True),
    ({"all": [{"tags": ["policy"]}, {"tags": ["trusted_ca"]}]}, False),
]


@pytest.mark.parametrize(("pattern", "verdict"), VERDICTS, ids=str)
def test_a_pattern_matches_or_not(pattern: dict[str, Any], *, verdict: bool) -> None:
    one = read_filter(pattern)
    assert one.matches(EVENT) is verdict
    assert (one.refusal(EVENT) is None) is verdict


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ({"action": ["delete"]}, "/action"),
        ({"action": ["update"], "actor": {"type": ["system"]}}, "/actor/type"),
        ({"all": [{"action": ["update"]}, {"tags": ["x"]}]}, "/all/1/tags"),
        ({"changes": {"path": ["a"]}}, "/changes"),
        ({"any": [{"action": ["x"]}]}, "/any"),
        ({"not": {"action": ["update"]}}, "/not"),
    ],
    ids=str,
)
def test_a_refusal_names_the_clause_that_said_no(pattern: dict[str, Any], place: str) -> None:
    assert read_filter(pattern).refusal(EVENT) == place


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ([], "filter"),
        ({}, "filter"),
        ({"action": "update"}, "filter/action"),
        ({"action": []}, "filter/action"),
        ({"action": [["update"]]}, "filter/action/0"),
        ({"action": {}}, "filter/action"),
        ({"action": [{"regex": "x"}]}, "filter/action/0/regex"),
        ({"action": [{"prefix": "a", "suffix": "b"}]}, "filter/action/0"),
        ({"action": [{"prefix": ""}]}, "filter/action/0/prefix"),
        ({"action": ["x" * 1_025]}, "filter/action/0"),
        ({"action": [{"wildcard": "*a*b*c*d*e*"}]}, "filter/action/0/wildcard"),
        ({"action": [{"anything-but": []}]}, "filter/action/0/anything-but"),
        ({"action": [{"anything-but": {"numeric": ["=", 1]}}]}, "filter/action/0/anything-but"),
        ({"sensitivity": [{"numeric": [">"]}]}, "filter/sensitivity/0/numeric"),
        ({"sensitivity": [{"numeric": ["!=", 1]}]}, "filter/sensitivity/0/numeric/0"),
        ({"sensitivity": [{"numeric": [">", True]}]}, "filter/sensitivity/0/numeric/1"),
        ({"sensitivity": [{"exists": "yes"}]}, "filter/sensitivity/0/exists"),
        ({"address": [{"cidr": "10.0.0.0/99"}]}, "filter/address/0/cidr"),
        ({"any": {"action": ["x"]}}, "filter/any"),
        ({"not": []}, "filter/not"),
        ({"sensitivity": [float("nan")]}, "filter/sensitivity/0"),
        ({"action": ["x"] * 201}, "filter/action"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_pattern_is_refused_with_its_place(pattern: Any, place: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_filter(pattern)
    assert caught.value.field == place


def nested(levels: int) -> dict[str, Any]:
    pattern: dict[str, Any] = {"leaf": [1]}
    for _ in range(levels - 1):
        pattern = {"deeper": pattern}
    return pattern


def test_eight_levels_are_enough_and_nine_too_many() -> None:
    read_filter(nested(8))
    with pytest.raises(InvalidInputError):
        read_filter(nested(9))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("abcd") | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=30,
)
OPERATORS = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.none(),
    st.booleans(),
    st.fixed_dictionaries({"prefix": st.text(min_size=1, max_size=3)}),
    st.fixed_dictionaries({"wildcard": st.text("ab*", min_size=1, max_size=4)}),
    st.fixed_dictionaries({"anything-but": st.lists(st.text(max_size=3), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"numeric": st.tuples(st.sampled_from([">", "="]), st.integers()).map(list)}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"cidr": st.sampled_from(["10.0.0.0/8", "::/0"])}),
)
PATTERNS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), st.lists(OPERATORS, min_size=1, max_size=3), min_size=1, max_size=3),
    lambda inner: (
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
        | st.fixed_dictionaries({"not": inner})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=6,
)


@given(raw=JSON)
def test_any_json_is_a_filter_or_a_named_error(raw: Any) -> None:
    place = "filter"
    try:
        read_filter(raw).matches(EVENT)
    except InvalidInputError as error:
        place = error.field
    assert place.startswith("filter")


@given(pattern=PATTERNS, event=st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4))
def test_matching_never_raises_and_not_turns_it_round(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    try:
        one = read_filter(pattern)
    except InvalidInputError:
        return
    verdict = one.matches(event)
    assert (one.refusal(event) is None) is verdict
    assert read_filter({"any": [pattern]}).matches(event) is verdict
    try:
        turned = read_filter({"not": pattern})
    except InvalidInputError:
        return
    assert turned.matches(event) is not verdict


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ({"a": {"b": [{"wildcard": "*ab*ab*ab*b"}]}}, {"a": [{"b": "a" * 1_000_000 + "b"}] * 50}),
        ({"a": {"b": [{"cidr": "10.0.0.0/8"}]}}, {"a": [{"b": f"11.0.{i % 256}.1"} for i in range(5_000)]}),
        ({"a": [{"prefix": f"x{i}"} for i in range(200)]}, {"a": ["y"] * 100_000}),
        ({"a": {"b": {"c": [1]}}}, {"a": [{"b": [{"c": 2}] * 300}] * 300}),
        ({"any": [{"a": [{"equals-ignore-case": "ß" * 300}]}] * 200}, {"a": ["ẞ" * 900] * 100}),
    ],
    ids=["wildcards", "networks", "alternatives", "nested lists", "folding"],
)
def test_a_hostile_event_is_given_up_within_the_budget(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    one = read_filter(pattern)
    started = time.process_time()
    with pytest.raises(FilterTooCostlyError):
        one.matches(event)
    # The promise is a millisecond; ten leave room for a machine that does other things.
    assert time.process_time() - started < 0.01
