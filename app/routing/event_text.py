"""Searching the text of an event as it is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Needle:
    """A text to look for, whatever the case: as somebody typed it, and as JSON writes its quotes and backslashes."""

    spellings: tuple[str, ...]

    def is_in(self, body: bytes) -> bool:
        """Whether the canonical JSON of an event holds it, in upper or lower case."""
        text = body.decode("utf-8", "replace").casefold()
        return any(one in text for one in self.spellings)


def needle_of(part: str) -> Needle:
    """The needle of a text. Most texts have one spelling: ten thousand events are searched for a page."""
    escaped = json.dumps(part, ensure_ascii=False)[1:-1]
    return Needle(tuple(dict.fromkeys((part.casefold(), escaped.casefold()))))
