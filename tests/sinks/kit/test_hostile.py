"""The hostile events: many, different, and full of what formats use as marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.sinks.kit.hostile import COUNT, hostile_events


def test_the_hostile_events_are_many_different_and_always_the_same() -> None:
    first, second = list(hostile_events()), list(hostile_events())
    assert [one.json for one in first] == [one.json for one in second]
    assert len({one.json for one in first}) == COUNT


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(inner)


@pytest.mark.parametrize("mark", ['"', "\\", "\n", "\r", "\x00", "|", "=", "]", "`", "<!channel>", "🔐", "','"])
def test_the_hostile_events_hold_what_formats_use_as_marks(mark: str) -> None:
    wanted = mark.strip("'") or mark
    assert any(wanted in told for event in hostile_events() for told in texts_of(event.data))
