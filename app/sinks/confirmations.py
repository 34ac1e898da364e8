"""Confirmations: how a sink whose receiver first takes events and later says that they are safe describes asking.

Such a receiver answers a request with a receipt. The host keeps it, and asks about it until the receiver confirms it or
its time is over; meanwhile the deliveries are *accepted*, which is less than delivered. The host does the waiting and
the asking, through its guarded client; the sink says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.sinks.protocol import AnyBinding
from app.sinks.types import Answer, OutboundRequest, Outcome

MAX_RECEIPT_CHARACTERS = 200
"""Longest receipt, and longest channel."""
MOST_RECEIPTS = 1_000
"""Receipts that one request asks about at most."""
SHORTEST_POLL_S = 1.0
LONGEST_WAIT_S = 7 * 24 * 3600.0


class OnExpiry(StrEnum):
    """What becomes of deliveries that were never confirmed."""

    RESEND = "resend"
    """Tried again by the schedule, under the same message id."""
    FAIL = "fail"
    UNCONFIRMED = "unconfirmed"
    """Delivered, and marked as unconfirmed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receiver gave for a request.

    ``id`` is its own word for the request. Receipts of different ``channel`` are never asked about together; "" where
    the receiver knows no channels.
    """

    id: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How one webhook waits for confirmations.

    Args:
        poll_s: seconds between two questions about the same receipt, and before the first one; at least 1.
        expires_s: seconds after which a receipt that is still unconfirmed, when it is asked about, has expired; at most
            7 days.
        on_expiry: what happens then.
    """

    poll_s: float = 10.0
    expires_s: float = 300.0
    on_expiry: OnExpiry = OnExpiry.RESEND


@runtime_checkable
class Confirms(Protocol):
    """What a sink has beside the ``Sink`` protocol when its receiver confirms later. All its methods are pure."""

    def confirmation(self, binding: AnyBinding) -> Confirmation:
        """How this webhook waits."""
        ...

    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        """The receipt in an answer that ``classify`` calls ACCEPTED_UNCONFIRMED; None when there is nothing to ask."""
        ...

    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        """The request that asks about these receipts, all of one channel; None when they cannot be asked about."""
        ...

    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        """The ids among the receipts that are confirmed, or what an answer means that does not say.

        A receipt that is missing from the set waits on: it is never taken for a failure. An Outcome is RETRY, THROTTLE
        or SINK_BROKEN; the last pauses the webhook.
        """
        ...
