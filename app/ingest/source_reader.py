"""Letting a source's plugin read a request: bounded in time, and only what can be used comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from app.core.clock import Clock
from app.core.errors import InvalidInputError, TemporaryError
from app.routing.hook_faults import HookFaults
from app.routing.hook_guard import GuardedHook, HookFailedError
from app.sinks.brought import HookCall
from app.sinks.sources import BadDeliveryError, EventSource, Handshake, Inbound

MAX_EVENTS = 1_000
"""Events of one request."""
PATIENCE_S = 5.0
"""How long a plugin is waited for: the largest requests take a while."""
HOOK = "relaypoint_sources"
_AnswerT = TypeVar("_AnswerT")


class SourceUnavailableError(TemporaryError):
    """The plugin of this source is missing or failed; sending the same again later may succeed."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """What a plugin says of a request before its events are read."""

    is_verified: bool
    handshake: Handshake | None


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """What happened, in a plugin's words, and the sender's id of the delivery."""

    delivery_id: str
    events: list[Any]


class SourceReader:
    """Reads the requests of one source. Used by any thread.

    Args:
        plugin: of the source's kind.
        settings: the source's own, as stored.
        faults: told what the plugin does wrong.
        clock: the time.
    """

    def __init__(self, plugin: EventSource, settings: Mapping[str, Any], faults: HookFaults, clock: Clock) -> None:
        self.plugin = plugin
        self.settings = settings
        call = HookCall(f"source {plugin.info.name}", HOOK, plugin.events)
        self._guard = GuardedHook(call, faults, clock, PATIENCE_S, math.inf)

    def greet(self, inbound: Inbound, secrets: Sequence[str]) -> Greeted:
        """Whether the sender knows one of the secrets, and the answer if it only asks who is there.

        Raises:
            InvalidInputError: the request cannot be read.
            SourceUnavailableError: the plugin failed.
        """
        plugin = self.plugin

        def greeted() -> Greeted:
            config = plugin.config_model.model_validate(self.settings)
            # Every secret is tried, and only True will do: a plugin that answers something else has not said yes.
            known = [plugin.verify(inbound, secret, config) is True for secret in secrets]
            if not any(known):
                return Greeted(is_verified=False, handshake=None)
            return Greeted(is_verified=True, handshake=_sendable(plugin.handshake(inbound, config)))

        return self._answer(greeted)

    def read(self, inbound: Inbound) -> ReadEvents:
        """What happened, of a request that is verified.

        Raises:
            InvalidInputError: the request cannot be read.
            SourceUnavailableError: the plugin failed.
        """
        plugin = self.plugin

        def read() -> ReadEvents:
            config = plugin.config_model.model_validate(self.settings)
            return ReadEvents(str(plugin.delivery_id(inbound)), _bounded(plugin.events(inbound, config)))

        return self._answer(read)

    def _answer(self, work: Callable[[], _AnswerT]) -> _AnswerT:
        """What a plugin cannot read is the sender's fault; whatever else it raises is its own."""

        def attempt() -> tuple[_AnswerT | None, str]:
            try:
                return work(), ""
            except BadDeliveryError as wrong:
                return None, str(wrong) or "the request cannot be read"

        try:
            answer, refusal = self._guard.run(attempt)
        except HookFailedError:
            raise SourceUnavailableError("the plugin of this source failed; send this again later") from None
        if answer is None:
            raise InvalidInputError(refusal)
        return answer


def _sendable(handshake: Handshake | None) -> Handshake | None:
    return None if handshake is None else Handshake(orjson.loads(orjson.dumps(dict(handshake.body))))


def _bounded(events: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for event in events:
        if len(found) == MAX_EVENTS:
            raise BadDeliveryError(f"one request may bring {MAX_EVENTS} events")
        found.append(_plain(event))
    return found


def _plain(event: Any) -> Any:
    """A plugin's object as JSON would hold it: nothing in it may be of another type, or be changed later."""
    try:
        return orjson.loads(orjson.dumps(dict(event) if isinstance(event, Mapping) else event))
    except TypeError:
        return None
