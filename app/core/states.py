"""The states of a delivery, the causes and the outcomes of an attempt, with the numbers that the database stores."""

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


class AttemptCause(IntEnum):
    """Why an attempt is made, and why it is made when it is."""

    FIRST = 0
    SCHEDULE = 1
    """The webhook's retry schedule."""
    RETRY_AFTER = 2
    """The receiver named the time to wait, and it was longer than the schedule's."""
    THROTTLED = 3
    """The receiver asked for fewer requests and named no time."""
    BY_HAND = 4
    REPLAY = 5
    """One of many that were redelivered together."""
    BACKFILL = 6
    WORKER_LOST = 7
    """The worker that had the attempt before this one died before it had recorded its end."""
    PROBE = 8
    """Its webhook is failing, and one request at a time finds out whether the receiver is back."""
    RESUMED = 9
    """Its webhook was paused or disabled, and resumed."""
    UNCONFIRMED = 10
    """The receiver had accepted it and did not confirm it in time."""
    CONNECTION_CLOSED = 11
    """The receiver closed a kept connection just as the first attempt used it."""

    @property
    def label(self) -> str:
        """The word in the API."""
        return self.name.lower()


ASKED_FOR = frozenset({AttemptCause.BY_HAND, AttemptCause.REPLAY, AttemptCause.BACKFILL})
"""The causes behind which somebody stands."""


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
