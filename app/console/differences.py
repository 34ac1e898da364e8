"""Before and after, taken apart: one line for every leaf that differs, told by a sign and never by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MOST_LINES = 200
"""Lines shown of one event; whatever is beyond them is in the raw JSON."""
MOST_TEXT = 2_000
"""Characters shown of one value."""
MOST_PATH = 300
"""Characters shown of the path to a leaf, and of the name of a field: every line repeats it."""
_DEEPEST = 12
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Line:
    """One leaf: ``+`` came, ``-`` went, ``~`` changed. None = there is no such side."""

    sign: str
    path: str
    before: str | None
    after: str | None
    secret: bool = False

    @property
    def word(self) -> str:
        """What happened to it."""
        return {"+": "added", "-": "removed", "~": "changed"}[self.sign]

    @property
    def tone(self) -> str:
        """The class that colours its sign."""
        return {"+": "plus", "-": "minus", "~": "soft"}[self.sign]


@dataclass(frozen=True, slots=True)
class Difference:
    """The lines of one changed field, and whether there were more."""

    title: str
    path: str | None
    lines: tuple[Line, ...]
    cut: bool = False


def differences(changes: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """What an event changed, field by field, at most :data:`MOST_LINES` lines in all."""
    left = MOST_LINES
    found = []
    for change in changes:
        lines = [_secret(change)] if change["secret"] else list(_lines("", change["before"], change["after"], 0))
        path = None if change["path"] is None else _cut(change["path"], MOST_PATH)
        title = _cut(change["field"], MOST_PATH)
        found.append(Difference(title, path, tuple(lines[:left]), cut=len(lines) > left))
        left -= min(left, len(lines))
    return found


def _secret(change: Mapping[str, Any]) -> Line:
    before, after = (None if change[side] is None else _MASK for side in ("before", "after"))
    return Line(_sign(before, after), "", before, after, secret=True)


def _lines(path: str, before: Any, after: Any, depth: int) -> Iterator[Line]:
    if depth < _DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            place = _cut(f"{path}.{key}" if path else str(key), MOST_PATH)
            yield from _lines(place, before.get(key), after.get(key), depth + 1)
    elif (members := _members_of(before, after)) is not None:
        gone, come = members
        yield from (Line("-", path, one, None) for one in gone)
        yield from (Line("+", path, None, one) for one in come)
    elif before != after or type(before) is not type(after):
        shown_before, shown_after = (None if one is None else _shown(one) for one in (before, after))
        yield Line(_sign(shown_before, shown_after), path, shown_before, shown_after)


def _members_of(before: Any, after: Any) -> tuple[list[str], list[str]] | None:
    """What left and what joined a list of plain values, such as addresses; None when it is no such list.

    Where only the order or the number of equal ones changed, the lists are shown as a whole.
    """
    if not isinstance(before, list) or not isinstance(after, list):
        return None
    if any(isinstance(item, dict | list) for item in (*before, *after)):
        return None
    old, new = (dict.fromkeys(map(_shown, one)) for one in (before, after))
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    return (gone, come) if gone or come else None


def _sign(before: str | None, after: str | None) -> str:
    if before is None:
        return "+"
    return "-" if after is None else "~"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return _cut(text, MOST_TEXT)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
