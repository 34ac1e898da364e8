"""The doorbell: how a process says that a partition has work, without promising that anybody heard."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Doorbell(Protocol):
    """Wakes whoever drains a partition."""

    def ring(self, partitions: Collection[int]) -> None:
        """Say that these partitions have due rows.

        Best effort: it never raises and never waits long. The rows are in the database already, so a ring that is
        lost costs a second, not a delivery.
        """
        ...


class SilentDoorbell:
    """A doorbell that nobody hears: for tests, and for commands that leave the waking to the tick."""

    def ring(self, partitions: Collection[int]) -> None:
        """Do nothing."""
