"""Exact bytes, once per content and day: digests handed out, new contents collected for the next group record."""

from __future__ import annotations

import hashlib

from app.core.clock import DAY, Micros

REMEMBERED = 10_000
"""Contents known to be stored. One that was forgotten is written again, which the store ignores."""
_SMALL = 600
"""Bytes up to which a content is worth remembering: response heads repeat, request bodies hardly do."""
_DIGEST_BYTES = 16


class ContentLedger:
    """Digests of byte strings for the rows of this process, and the contents that are not stored yet."""

    def __init__(self) -> None:
        self._day = -1
        self._small: dict[bytes, bytes] = {}
        self._fresh: list[tuple[bytes, int, bytes]] = []

    def digest(self, content: bytes, now: Micros) -> bytes:
        """The key of a content in the store; it will be written with the next group."""
        day = now // DAY
        if day != self._day or len(self._small) > REMEMBERED:
            self._day = day
            self._small.clear()
        known = self._small.get(content)
        if known is None:
            known = hashlib.blake2b(content, digest_size=_DIGEST_BYTES, salt=day.to_bytes(8, "big")).digest()
            if len(content) <= _SMALL:
                self._small[content] = known
            self._fresh.append((known, day, content))
        return known

    def take_fresh(self) -> list[tuple[bytes, int, bytes]]:
        """The contents to write now. If that write fails, hand them back with :meth:`put_back`."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def put_back(self, fresh: list[tuple[bytes, int, bytes]]) -> None:
        """Contents whose transaction failed; they go with the next one."""
        self._fresh = fresh + self._fresh
