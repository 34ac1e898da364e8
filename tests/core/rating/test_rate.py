"""The catalogue's 85 changes get the catalogue's tag and sensitivity, and directions decide."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.actors import fold_action
from app.core.event import Change
from app.core.rating import rate
from app.core.rating.directions import Direction, is_open_to_strangers, went
from app.core.rating.table import ENTITIES, LABELS, SETTINGS, WHOLE_LABELS
from app.demo.catalogue import actions

LABEL_ONLY_DIFFERS = {
    # Without path and entity nobody can tell whose status or which certificate it is.
    "webhook.disable": (3, None),
}


def change(field: str, before: Any, after: Any, path: str | None = None) -> Change:
    return Change(field=field, path=path, before=before, after=after, secret=False)


def verb(name: str) -> str:
    return fold_action(actions()[name].verb, has_changes=True)[0]


@pytest.mark.parametrize("name", list(actions()))
@pytest.mark.parametrize("told", ["with path and entity", "with path only", "with label and entity"])
def test_every_action_of_the_catalogue_is_rated_as_the_catalogue_says(name: str, told: str) -> None:
    action = actions()[name]
    path = action.path if "path" in told else None
    entity = action.resource_type if "entity" in told else None
    rating = rate(verb(name), [change(action.label, action.before, action.after, path)], entity)
    assert action.tag in rating.tags
    assert rating.sensitivity == action.sensitivity


@pytest.mark.parametrize("name", list(actions()))
def test_a_label_alone_is_enough_for_all_but_the_listed(name: str) -> None:
    action = actions()[name]
    rating = rate(verb(name), [change(action.label, action.before, action.after)], None)
    sensitivity, tag = LABEL_ONLY_DIFFERS.get(name, (action.sensitivity, action.tag))
    assert rating.sensitivity == sensitivity
    assert tag is None or tag in rating.tags


def test_the_entity_is_written_in_either_style() -> None:
    snake = rate("delete", [], "trusted_ca")
    assert (snake.sensitivity, snake.rule) == (5, "trusted_cas any")
    assert rate("delete", [], "TrustedCa").sensitivity == 5
    assert rate("delete", [], "service_context").sensitivity == 5
    assert rate("create", [], "ServiceContext").sensitivity == 3


def test_the_gravest_change_decides_and_all_tags_are_kept() -> None:
    rating = rate(
        "update",
        [
            change("Name", "a", "b", "groups[g].name"),
            change(
                "RADIUS Access Restrictions",
                ["10.0.0.0/28"],
                ["0.0.0.0/0"],
                "network_integration.access_restrictions.cidrs",
            ),
        ],
        "group",
    )
    assert rating.sensitivity == 5
    assert rating.rule == "network_integration.access_restrictions opened"
    assert {"cosmetic", "ip_allowlist"} <= set(rating.tags)


def test_what_nobody_knows_is_worth_three() -> None:
    assert rate("update", [change("Colour", 1, 2)], "Gadget") == ((), 3, "unrated")
    assert rate("other", [], None) == ((), 3, "unrated")


@pytest.mark.parametrize(
    ("networks", "is_open"),
    [
        (["0.0.0.0/0"], True),
        (["203.0.113.0/28", "::/0"], True),
        (["128.0.0.0/1"], True),
        (["10.0.0.0/7"], True),
        (["10.0.0.0/8"], False),
        (["2001::/31"], True),
        (["2001:db8::/32"], False),
        ([], True),
        ("", True),
        (None, True),
        ("203.0.113.0/28, 0.0.0.0/0", True),
        ("203.0.113.0/28", False),
        (["not a network"], False),
        ([{"cidr": "0.0.0.0/0"}], False),
    ],
    ids=str,
)
def test_an_allow_list_is_open_when_it_is_wide_or_empty(networks: Any, *, is_open: bool) -> None:
    assert is_open_to_strangers(networks) is is_open


@pytest.mark.parametrize(
    ("direction", "before", "after", "verdict"),
    [
        (Direction.ON, False, True, True),
        (Direction.ON, None, True, True),
        (Direction.ON, "Disabled", "Enabled", True),
        (Direction.ON, True, True, False),
        (Direction.ON, 0, 1, False),
        (Direction.OFF, True, False, True),
        (Direction.OFF, "true", "false", True),
        (Direction.OFF, "x", False, False),
        (Direction.SET, None, "x", True),
        (Direction.SET, "x", "y", False),
        (Direction.SET, 0, 1, False),
        (Direction.CLEARED, "x", "", True),
        (Direction.CLEARED, ["x"], [], True),
        (Direction.CLEARED, None, "", False),
        (Direction.LOWERED, "1.2", "1.0", True),
        (Direction.LOWERED, "TLS 1.3", "TLSv1.2", True),
        (Direction.LOWERED, "1.2", "1.10", False),
        (Direction.LOWERED, 60, 30, True),
        (Direction.LOWERED, True, False, False),
        (Direction.LOWERED, "a", "b", False),
        (Direction.GREW, ["a"], ["a", "b"], True),
        (Direction.GREW, ["a", "b"], ["a"], False),
        (Direction.GREW, None, ["a"], True),
    ],
)
def test_a_direction_is_seen_in_the_values(direction: Direction, before: Any, after: Any, *, verdict: bool) -> None:
    assert went(direction, "update", before, after) is verdict


def test_every_place_that_a_label_or_entity_points_at_exists() -> None:
    assert {*LABELS.values(), *WHOLE_LABELS.values(), *ENTITIES.values()} <= SETTINGS.keys()


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.text(max_size=8), max_size=3)


@given(
    action=st.sampled_from(["create", "add", "update", "delete", "remove", "view", "execute", "other"]),
    field=st.text(max_size=300) | st.sampled_from(list(LABELS)),
    path=st.none() | st.text(max_size=300) | st.sampled_from(list(SETTINGS)),
    entity=st.none() | st.text(max_size=300),
    before=ANYTHING,
    after=ANYTHING,
)
def test_any_change_is_rated_from_one_to_five(
    action: str, field: str, path: str | None, entity: str | None, before: Any, after: Any
) -> None:
    rating = rate(action, [change(field, before, after, path)], entity)
    assert 1 <= rating.sensitivity <= 5
    assert rating.rule
