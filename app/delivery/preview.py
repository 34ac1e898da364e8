"""What a sink would send for some events, without sending it: formatted, packed and framed as a delivery is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import SecretStr

from app.core.errors import InvalidInputError
from app.core.header_rules import header_lines
from app.core.shown_url import MASK
from app.sinks.kit.subject import packs
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.tokens import UsesToken
from app.sinks.types import Event, Item, OutboundRequest, Reject


@dataclass(frozen=True, slots=True)
class Preview:
    """The requests in the order they would go out, and the events that never would."""

    requests: tuple[OutboundRequest, ...]
    rejected: tuple[Reject, ...]


def preview(sink: Sink, binding: AnyBinding, events: Sequence[Event]) -> Preview:
    """The requests that would carry these events.

    Raises:
        InvalidInputError: the sink fails with these settings or events, or builds a request that cannot be sent.
    """
    try:
        return _preview(sink, _with_token(sink, binding), events)
    except InvalidInputError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its message may quote a secret
        raise InvalidInputError(f"sink {sink.info.name} failed: {type(error).__name__}", field="event") from None


def _preview(sink: Sink, binding: AnyBinding, events: Sequence[Event]) -> Preview:
    limits = sink.limits(binding)
    items: list[Item] = []
    rejected: list[Reject] = []
    for event in events:
        made = sink.format(event, binding)
        if isinstance(made, Reject):
            rejected.append(made)
        elif len(made.body) > limits.max_item_bytes:
            reason = f"the event is larger than this sink takes ({limits.max_item_bytes} bytes)"
            rejected.append(Reject(event.id, reason))
        else:
            items.append(made)
    groups = packs(items, limits) if binding.batch else ([item] for item in items)
    requests = tuple(sink.build_request(group, binding) for group in groups)
    for request in requests:
        header_lines(request.headers)
    return Preview(requests, tuple(rejected))


def _with_token(sink: Sink, binding: AnyBinding) -> AnyBinding:
    """A stand-in for the access token, so that the header it goes into is seen."""
    if isinstance(sink, UsesToken) and sink.token_request(binding) is not None:
        return replace(binding, access_token=SecretStr(MASK))
    return binding
