"""Finding the good elements of a JSON array that as a whole cannot be parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_WRAPPED = re.compile(rb'"events"\s*:\s*\[')

_BARE = 1
"""Where the first element starts in a body that is nothing but the array."""


def split_array(body: bytes) -> Iterator[bytes]:
    """The raw elements of an array, or of the array under ``"events"``, cut at the commas between them.

    Knows strings and brackets, nothing else; whether a piece is JSON is for the caller to find out. A bracket or a
    quote that never closes makes everything after it one piece.
    """
    start = first = _BARE
    if not body.startswith(b"["):
        wrapped = _WRAPPED.search(body)
        if wrapped is None:
            return
        start = first = wrapped.end()
    depth = 0
    for token in _TOKEN.finditer(body, start):
        mark = token[0]
        if mark in {b"{", b"["}:
            depth += 1
        elif depth > 0 and mark in {b"}", b"]"}:
            depth -= 1
        elif depth == 0 and mark == b"]":
            yield from _piece(body[start : token.start()])
            if first == _BARE:
                yield from _piece(body[token.end() :])
            return
        elif depth == 0 and mark == b",":
            yield from _piece(body[start : token.start()])
            start = token.end()
    yield from _piece(body[start:])


def _piece(raw: bytes) -> Iterator[bytes]:
    if raw.strip():
        yield raw
