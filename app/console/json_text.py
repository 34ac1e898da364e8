"""JSON as people read it: indented, with short lists on one line."""

from __future__ import annotations

from typing import Any

import orjson

_STEP = "  "
_SHORT = 72
"""Characters up to which a list of plain values stays on one line."""


def indented(value: Any) -> str:
    """A value that came of JSON, as text."""
    return _laid_out(value, "")


def _laid_out(value: Any, margin: str) -> str:
    inner = margin + _STEP
    if isinstance(value, dict) and value:
        told = (f"{inner}{_plain(key)}: {_laid_out(one, inner)}" for key, one in value.items())
        return "{\n" + ",\n".join(told) + f"\n{margin}}}"
    if isinstance(value, list) and value:
        line = _one_line(value)
        if line is not None:
            return line
        return "[\n" + ",\n".join(inner + _laid_out(one, inner) for one in value) + f"\n{margin}]"
    return _plain(value)


def _one_line(values: list[Any]) -> str | None:
    """A list of few plain values on one line; None for any other."""
    if len(values) > _SHORT or any(isinstance(one, dict | list) for one in values):
        return None
    line = f"[{', '.join(map(_plain, values))}]"
    return line if len(line) <= _SHORT else None


def _plain(value: Any) -> str:
    return orjson.dumps(value).decode()
