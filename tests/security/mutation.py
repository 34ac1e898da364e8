"""What it is to take one protection away."""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """One protection taken away: in ``file``, ``old`` becomes ``new``, and each of ``tests`` must fail."""

    promise: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
