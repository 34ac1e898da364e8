"""What the invariants of message ids let pass, and what they find."""

from __future__ import annotations

import pytest

from app.core.ids import delivery_id
from app.delivery.verdict import MOST_LOSSES
from tests.faults.invariants import Read, check_message_ids
from tests.faults.receivers import Received

NUMBERS = {"a": 1, "b": 2, "c": 3}
SUSPECT = {("wh_1", "a"): MOST_LOSSES}


def read(*requests: tuple[str, str]) -> Read:
    """Requests by their message id and the events they carried, one letter each."""
    return [(Received(0.0, "", {"webhook-id": one}, b""), "wh_1", list(events)) for one, events in requests]


@pytest.mark.parametrize(
    ("requests", "lost"),
    [
        ((("bat_1", "ab"), ("bat_1", "ab"), ("bat_2", "c")), {}),
        (((delivery_id("wh_1", 1), "a"), (delivery_id("wh_1", 1), "a")), {}),
        ((("bat_1-aa", "ab"), ("bat_1-bb", "c"), ("bat_1-aa", "ab")), {}),
        ((("bat_1", "abc"), ("bat_1-aa", "a"), ("bat_1-bb", "bc")), SUSPECT),
    ],
)
def test_the_same_events_come_under_the_same_id(
    requests: tuple[tuple[str, str], ...], lost: dict[tuple[str, str], int]
) -> None:
    check_message_ids(read(*requests), NUMBERS, lost)


@pytest.mark.parametrize(
    ("requests", "lost", "words"),
    [
        ((("bat_1", "ab"), ("bat_2", "ab")), SUSPECT, "another id"),
        ((("bat_1", "abc"), ("bat_1-aa", "a")), {("wh_1", "a"): MOST_LOSSES - 1}, "another id"),
        ((("bat_1", "bc"), ("bat_1-aa", "b"), ("bat_2", "a")), SUSPECT, "another id"),
        ((("bat_1", "ab"), ("bat_1", "a")), SUSPECT, "other events"),
        (((delivery_id("wh_1", 2), "a"),), {}, "another delivery"),
    ],
)
def test_another_id_or_other_events_under_an_id_are_found(
    requests: tuple[tuple[str, str], ...], lost: dict[tuple[str, str], int], words: str
) -> None:
    with pytest.raises(AssertionError, match=words):
        check_message_ids(read(*requests), NUMBERS, lost)
