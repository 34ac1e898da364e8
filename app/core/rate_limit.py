"""How often something may happen: a token bucket, kept as the one moment when it will be full again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.core.clock import SECOND, Micros


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of ``burst`` tokens, into which ``per_s`` come back every second.

    Whoever finds a token may take more than there are, for one large post, and then waits until the debt is paid. So
    nothing is too large to ever get through, and the rate holds in the long run.
    """

    per_s: float
    burst: int

    def cost(self, number: int) -> Micros:
        """How much later the bucket is full again when so many tokens are taken."""
        return math.ceil(number * SECOND / self.per_s)

    def wait(self, full_at: Micros, now: Micros) -> Micros:
        """How long until there is a token again, 0 when there is one."""
        return max(0, full_at - now - self.cost(self.burst - 1))


def seconds_to_wait(wait: Micros) -> int:
    """As ``Retry-After`` says it: whole seconds, at least one."""
    return max(1, -(-wait // SECOND))
