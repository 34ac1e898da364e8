"""The states of a delivery and the outcomes of an attempt, with the numbers that the database stores."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class DeliveryState(IntEnum):
    """Where one delivery stands. Every accepted event is in exactly one of these, per webhook."""

    PENDING = 0
    SENDING = 1
    DELIVERED = 2
    FAILED = 3
    SKIPPED = 4
    PARKED = 5
    ACCEPTED = 6
    """The receiver took it and gave a receipt; whether it is safe there is still being asked."""

    @property
    def label(self) -> str:
        """The word in the API."""
        return self.name.lower()


class AttemptOutcome(IntEnum):
    """How one attempt ended."""

    DELIVERED = 0
    UNCONFIRMED = 1
    RETRY = 2
    THROTTLED = 3
    REJECTED = 4
    SINK_BROKEN = 5
    SPLIT = 6
    UNKNOWN = 7
    """A worker died, or the connection broke, after the request may have left: a duplicate is possible."""
    BLOCKED = 8
    """The address policy refused the target; nothing was sent."""
    OUR_FAULT = 9
    """A plugin or this machine failed before anything was sent; burns no attempt."""

    @property
    def label(self) -> str:
        """The word in the API."""
        return self.name.lower()


class Mode(IntEnum):
    """How a webhook delivers."""

    INSTANT = 0
    BATCH = 1

    @property
    def label(self) -> str:
        """The word in the API."""
        return self.name.lower()


class CloseReason(StrEnum):
    """Why a batch was closed."""

    COUNT = "count"
    BYTES = "bytes"
    AGE = "age"
    HAND = "hand"
    DISABLED = "disabled"
    DELETED = "deleted"
