"""What a request showed at the gate, carried into the transaction that stores its events."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.clock import Micros
from app.core.errors import RateLimitedError
from app.core.rate_limit import Rate, seconds_to_wait
from app.store.seen_messages import MessageMark

_REMEMBERED = 10_000
"""Buckets remembered before the memory starts over."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a request came in.

    Args:
        sender: the key or source, which is the name of its bucket.
        rate: how much it may send; None = any amount.
        mark: what tells a copy of the message; None for one that was not signed.
    """

    sender: str = ""
    rate: Rate | None = None
    mark: MessageMark | None = None


FREE = Passage()
"""For what is neither limited nor signed."""


class Buckets:
    """What this process knows of the buckets of senders.

    It learns what all processes took with every commit of its own, in the statement that takes. Until then it may let
    in what was not committed anywhere yet; the sender pays that back before it gets in again.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._full_at: dict[str, Micros] = {}

    def admit(self, sender: str, rate: Rate, now: Micros) -> None:
        """Let a sender in that has a token left.

        Raises:
            RateLimitedError: it has none.
        """
        wait = rate.wait(self._full_at.get(sender, 0), now)
        if wait:
            raise RateLimitedError("this sender has sent too many events; wait and send again", seconds_to_wait(wait))

    def learn(self, full_at: dict[str, Micros]) -> None:
        """What the buckets are after a commit."""
        with self._mutex:
            if len(self._full_at) > _REMEMBERED:
                self._full_at.clear()
            for sender, moment in full_at.items():
                self._full_at[sender] = max(moment, self._full_at.get(sender, 0))

    def charge_here(self, passage: Passage, number: int, now: Micros) -> None:
        """Take from a bucket for what never reaches a commit. Only this process knows of it."""
        if passage.rate is not None:
            before = max(now, self._full_at.get(passage.sender, 0))
            self.learn({passage.sender: before + passage.rate.cost(number)})


def costs(passages: Iterable[tuple[Passage, int]]) -> dict[str, Micros]:
    """What requests with so many events each take from the buckets of their senders."""
    found: Counter[str] = Counter()
    for passage, number in passages:
        if passage.rate is not None:
            found[passage.sender] += passage.rate.cost(number)
    return dict(found)
