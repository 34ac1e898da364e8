"""Change windows from an Alertmanager configuration: its named time intervals.

An entry may also have the fields of ours that Alertmanager does not know, as our own export writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from app.core.errors import InvalidInputError
from app.core.whole_numbers import whole_number
from app.routing.window_entry import Entry


class _PlainLoader(yaml.BaseLoader):
    """Every scalar is a text, so that 09:00 stays a time; no aliases, so that a small file stays small."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node of the document."""
        if self.check_event(yaml.AliasEvent):
            raise InvalidInputError("write the file without YAML aliases", field="text")
        return super().compose_node(parent, index)


def alertmanager_entries(text: str) -> Iterator[Entry]:
    """The time intervals of a file, in its order.

    Raises:
        InvalidInputError: the file as a whole cannot be read.
    """
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - builds texts, lists and objects only
    except (yaml.YAMLError, RecursionError):
        raise InvalidInputError("not readable as YAML", field="text") from None
    if not isinstance(document, dict):
        raise InvalidInputError("give an Alertmanager file with time_intervals", field="text")
    for key in ("time_intervals", "mute_time_intervals"):
        named = document.get(key) or []
        if not isinstance(named, list):
            raise InvalidInputError("must be a list", field=f"text.{key}")
        for index, one in enumerate(named):
            yield _entry(f"text.{key}.{index}", one)


def _entry(place: str, one: Any) -> Entry:
    if not isinstance(one, dict):
        return Entry(place, "", InvalidInputError("must have a name and time_intervals", field=place))
    return Entry(place, str(one.get("name") or ""), one | _grace(one))


def _grace(one: dict[str, Any]) -> dict[str, Any]:
    """The grace as a number, since every scalar of a file is a text; what is none is left to be refused."""
    written = one.get("grace_minutes")
    minutes = whole_number(written) if isinstance(written, str) else None
    return {} if minutes is None else {"grace_minutes": minutes}
