"""The border to plugin code: every call of the drain into a sink that touches events crosses here.

A plugin may raise anything, answer anything, hang or eat memory. What comes back across the border is what the protocol
promises, or a :class:`PluginFaultError` that says what went wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.errors import ConfigurationError, PermanentError
from app.delivery.plugin_watch import WATCH
from app.sinks.bounds import PLUGIN_RAISES, PluginHungError
from app.sinks.confirmations import (
    LONGEST_WAIT_S,
    MAX_RECEIPT_CHARACTERS,
    SHORTEST_POLL_S,
    Confirmation,
    Confirms,
    OnExpiry,
    Receipt,
)
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.types import Answer, Event, Item, Limits, OutboundRequest, Outcome, Reject, Verdict

_HARMS_NEIGHBOURS = (PluginHungError, MemoryError)
_OWN_WORDS = (PluginHungError, ConfigurationError)
"""Errors whose message was written here. A plugin's own message may quote a secret; its type cannot."""
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class PluginFault:
    """What a plugin did wrong.

    Args:
        sink: its name.
        call: what it was to do, such as ``format``.
        error: type of what it raised, or what is wrong with its answer; without secrets.
        harmful: it held up or endangered everybody else, so its webhook is paused rather than let it do so again.
    """

    sink: str
    call: str
    error: str
    harmful: bool = False

    @property
    def reason(self) -> str:
        """One sentence for the history."""
        return f"sink {self.sink} failed to {self.call}: {self.error}"


class PluginFaultError(PermanentError):
    """A plugin broke the protocol."""

    def __init__(self, fault: PluginFault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def format_event(sink: Sink, event: Event, binding: AnyBinding) -> Item | Reject:
    """The event in the receiver's form.

    Raises:
        PluginFaultError: the sink failed.
    """
    try:
        with WATCH:
            made = sink.format(event, binding)
        if isinstance(made, Item):
            _expect(made.body, bytes, "the body of an Item")
            return made
        _expect(made, Reject, "format")
        _expect(made.reason, str, "the reason of a Reject")
    except PLUGIN_RAISES as error:
        raise _broken(sink, "format", error) from error
    return made


def build_request(sink: Sink, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
    """The request that carries the items.

    Raises:
        PluginFaultError: the sink failed.
    """
    try:
        with WATCH:
            request = sink.build_request(items, binding)
        _check_request(request, "build_request")
    except PLUGIN_RAISES as error:
        raise _broken(sink, "build the request", error) from error
    return request


def classify(sink: Sink, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
    """What the answer means.

    Raises:
        PluginFaultError: the sink failed.
    """
    try:
        with WATCH:
            outcome = sink.classify(answer, items, binding)
        _check_outcome(outcome)
        for one in outcome.items:
            _check_outcome(one)
    except PLUGIN_RAISES as error:
        raise _broken(sink, "read the answer", error) from error
    return outcome


def find_receipt(sink: Sink, answer: Answer, binding: AnyBinding) -> Receipt | None:
    """The receipt in an answer; None when the sink finds none that can be kept.

    Raises:
        PluginFaultError: the sink failed; there is nothing to ask about.
    """
    try:
        with WATCH:
            receipt = sink.receipt(answer, binding) if isinstance(sink, Confirms) else None
        if receipt is None:
            return None
        _expect(receipt, Receipt, "receipt")
        for text in (receipt.id, receipt.channel):
            _expect(text, str, "a part of a Receipt")
    except PLUGIN_RAISES as error:
        raise _broken(sink, "find the receipt", error) from error
    fits = 0 < len(receipt.id) <= MAX_RECEIPT_CHARACTERS and len(receipt.channel) <= MAX_RECEIPT_CHARACTERS
    return receipt if fits and "\0" not in receipt.id + receipt.channel else None


def confirm_request(sink: Sink, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
    """The question about these receipts; None when they cannot be asked about.

    Raises:
        PluginFaultError: the sink failed.
    """
    try:
        with WATCH:
            request = sink.confirm_request(receipts, binding) if isinstance(sink, Confirms) else None
        if request is not None:
            _check_request(request, "confirm_request")
    except PLUGIN_RAISES as error:
        raise _broken(sink, "ask for confirmations", error) from error
    return request


def read_confirmation(
    sink: Sink, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
) -> frozenset[str] | Outcome:
    """The ids that are confirmed, or what an answer means that does not say.

    Raises:
        PluginFaultError: the sink failed.
    """
    try:
        with WATCH:
            read = sink.read_confirmation(answer, receipts, binding) if isinstance(sink, Confirms) else frozenset()
        if isinstance(read, Outcome):
            _check_outcome(read)
        else:
            _expect(read, frozenset, "read_confirmation")
    except PLUGIN_RAISES as error:
        raise _broken(sink, "read confirmations", error) from error
    return read


def checked_confirmation(wait: Confirmation) -> Confirmation:
    """How a webhook waits for confirmations, if it can be waited so.

    Raises:
        ConfigurationError: it cannot.
    """
    _expect(wait, Confirmation, "confirmation")
    _expect(wait.on_expiry, OnExpiry, "on_expiry of a Confirmation")
    for name in ("poll_s", "expires_s"):
        seconds = getattr(wait, name)
        _expect(seconds, (int, float), f"{name} of a Confirmation")
        if not SHORTEST_POLL_S <= seconds <= LONGEST_WAIT_S:
            wanted = f"from {SHORTEST_POLL_S:.0f} to {LONGEST_WAIT_S:.0f} seconds"
            raise ConfigurationError(f"{name} of a Confirmation is not {wanted}")
    return wait


def fault_of(sink: str, call: str, error: BaseException) -> PluginFault:
    """What is told of an error that came out of a plugin's code."""
    WATCH.over()
    words = str(error) if isinstance(error, _OWN_WORDS) else type(error).__name__
    return PluginFault(sink, call, words, isinstance(error, _HARMS_NEIGHBOURS))


def checked_limits(limits: Limits) -> Limits:
    """The limits, if they can be packed by.

    Raises:
        ConfigurationError: they cannot.
    """
    _expect(limits, Limits, "limits")
    at_least = {"max_events": 1, "max_bytes": 1, "max_item_bytes": 1, "item_overhead": 0, "request_overhead": 0}
    for name, lowest in at_least.items():
        value = getattr(limits, name)
        _expect(value, int, f"{name} of the limits")
        if value < lowest:
            raise ConfigurationError(f"{name} of the limits is {value}, and must be {lowest} or more")
    if limits.rate_per_s is not None and not limits.rate_per_s > 0:
        raise ConfigurationError("rate_per_s of the limits must be above 0, or None")
    return limits


def _broken(sink: Sink, call: str, error: BaseException) -> PluginFaultError:
    return PluginFaultError(fault_of(sink.info.name, call, error))


def _check_request(request: OutboundRequest, call: str) -> None:
    _expect(request, OutboundRequest, call)
    _expect(request.body, bytes, "the body of a request")
    _expect(request.url, str, "the url of a request")
    _expect(request.method, str, "the method of a request")
    headers: Sequence[Any] = request.headers
    for pair in headers:
        if not isinstance(pair, tuple) or [type(part) for part in pair] != [str, str]:
            raise ConfigurationError("a header of a request is no pair of texts")


def _check_outcome(outcome: Outcome) -> None:
    _expect(outcome, Outcome, "classify")
    _expect(outcome.verdict, Verdict, "the verdict of an Outcome")
    _expect(outcome.reason, str, "the reason of an Outcome")
    wait_s = outcome.retry_after_s
    if wait_s is not None:
        _expect(wait_s, (int, float), "retry_after_s of an Outcome")
        if not math.isfinite(wait_s):
            raise ConfigurationError("retry_after_s of an Outcome is no finite number")


def _expect(value: Any, kind: type[_Kind] | tuple[type[_Kind], ...], what: str) -> None:
    if not isinstance(value, kind):
        wanted = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise ConfigurationError(f"{what} answered {type(value).__name__}, not {wanted}")
