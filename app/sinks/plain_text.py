"""Any JSON value as one line of plain text for people, bounded, without characters that play tricks on a screen."""

from __future__ import annotations

from typing import Any

EMPTY = "(empty)"
"""Stands for no value: null, an empty text, list or object."""

CUT = "…"

_MOST_MEMBERS = 50
_DEEPEST = 2
_ROOM_TO_CLEAN = 4
"""How many times the wanted length is looked at before cleaning: what is removed may be invisible."""

_INVISIBLE = dict.fromkeys(
    (0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
"""Unicode's invisible and direction-changing characters: with them a value reads as another (CVE-2021-42574)."""
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_SWITCH = {True: "on", False: "off", None: ""}
_CLEAN = {**_CONTROLS, **_INVISIBLE}


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters; a cut shows as an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + CUT


def one_line(text: str, limit: int) -> str:
    """The text on one line, at most ``limit`` characters, controls and invisible characters gone."""
    text = text[: limit * _ROOM_TO_CLEAN]
    if not text.isprintable():
        text = " ".join(text.translate(_CLEAN).split())
    return cut(text.strip(), limit)


def text_of(value: Any, limit: int) -> str:
    """A value in words: ``on`` and ``off``, lists with commas, objects as ``key: value``; "" for an empty one."""
    return one_line(_words(value, limit, 0), limit)


def value_text(value: Any, limit: int) -> str:
    """As ``text_of``, with ``(empty)`` for an empty value."""
    return text_of(value, limit) or EMPTY


def _words(value: Any, limit: int, depth: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return _SWITCH[value]
    if isinstance(value, (list, dict)) and depth > _DEEPEST:
        return CUT
    if isinstance(value, list):
        return _joined([_words(member, limit, depth + 1) or EMPTY for member in value[:_MOST_MEMBERS]], limit)
    if isinstance(value, dict):
        return _object(value, limit, depth)
    return str(value)


def _object(value: dict[str, Any], limit: int, depth: int) -> str:
    if value.keys() == {"name", "value"}:
        return f"{_words(value['name'], limit, depth + 1)}={_words(value['value'], limit, depth + 1)}"
    pairs = list(value.items())[:_MOST_MEMBERS]
    return _joined([f"{key}: {_words(inner, limit, depth + 1) or EMPTY}" for key, inner in pairs], limit)


def _joined(parts: list[str], limit: int) -> str:
    """The parts with commas; what no screen would show any more is not joined."""
    length = 0
    for index, part in enumerate(parts):
        length += len(part)
        if length > limit * _ROOM_TO_CLEAN:
            return ", ".join(parts[: index + 1])
    return ", ".join(parts)
