"""What a sink can do beyond the protocol, asked once: such an ``isinstance`` costs as much as opening a secret."""

from __future__ import annotations

from typing import Any, TypeGuard

from app.sinks.capabilities import ChoosesSignatures
from app.sinks.confirmations import Confirms
from app.sinks.protocol import Sink
from app.sinks.tokens import UsesToken

_REMEMBERED = 1_024
_ASKED: dict[tuple[int, Any], tuple[Sink, bool]] = {}
"""Answers by the sink's identity; the sink is kept with its answer, so that no other can take its place."""


def uses_token(sink: Sink) -> TypeGuard[UsesToken]:
    """Whether its requests may need an access token."""
    return _has(sink, UsesToken)


def confirms(sink: Sink) -> TypeGuard[Confirms]:
    """Whether it may ask the receiver later what became of a request."""
    return _has(sink, Confirms)


def chooses_signatures(sink: Sink) -> TypeGuard[ChoosesSignatures]:
    """Whether it says which signatures its requests carry."""
    return _has(sink, ChoosesSignatures)


def _has(sink: Sink, capability: Any) -> bool:
    asked = _ASKED.get((id(sink), capability))
    if asked is None or asked[0] is not sink:
        if len(_ASKED) >= _REMEMBERED:
            _ASKED.clear()
        asked = _ASKED[id(sink), capability] = (sink, isinstance(sink, capability))
    return asked[1]
