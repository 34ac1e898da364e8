"""The Sink protocol: what a plugin object must be able to do. Pure: no network, no clock, no randomness, no logging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from app.sinks.types import Answer, Binding, Event, Item, Limits, OutboundRequest, Outcome, Reject, SinkInfo

AnyBinding = Binding[Any, Any]


@runtime_checkable
class Sink(Protocol):
    """A kind of receiver.

    The host validates ``config`` and ``secrets`` with the models, then for each request calls ``format`` per event,
    packs the items by ``limits``, calls ``build_request`` once per pack, sends it, and hands the answer to
    ``classify``. A raising method parks that webhook's deliveries and is shown to the operator; it burns no attempt.
    """

    info: SinkInfo
    config_model: type[BaseModel]
    secrets_model: type[BaseModel]

    def limits(self, binding: AnyBinding) -> Limits:
        """What one request may hold."""
        ...

    def format(self, event: Event, binding: AnyBinding) -> Item | Reject:
        """One event in the receiver's own form."""
        ...

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        """One request that carries all the items (at least one), framed as the receiver wants it."""
        ...

    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        """What an HTTP answer means for these items. Transport failures never reach this: the host judges them."""
        ...

    def probe(self, binding: AnyBinding) -> OutboundRequest | None:
        """A harmless request that tells whether the receiver is well, or None if there is none."""
        ...

    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        """The settings for people, secrets masked."""
        ...
