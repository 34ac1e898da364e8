"""What the checks look at: a sink, webhooks bound to it, and how the host would pack its items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from app.sinks.compression import GZIP, gunzip_body
from app.sinks.protocol import AnyBinding, Sink
from app.sinks.types import Event, Item, Limits, OutboundRequest


class BrokenContractError(AssertionError):
    """A sink does not do what the host relies on; the message says what."""


def expect(condition: object, complaint: str) -> None:
    """Insists on a condition.

    Raises:
        BrokenContractError: it does not hold.
    """
    if not condition:
        raise BrokenContractError(complaint)


@dataclass(frozen=True, slots=True)
class Subject:
    """A sink and the webhooks it is checked with.

    Args:
        sink: the sink.
        bindings: webhooks of different settings, every secret set where that is possible; at least one.
        golden: the folder of the golden requests and of ``answers.json``; None leaves both checks out.
    """

    sink: Sink
    bindings: tuple[AnyBinding, ...]
    golden: Path | None = None

    def modes(self) -> Iterator[AnyBinding]:
        """Each webhook in instant mode and in batch mode."""
        for binding in self.bindings:
            yield replace(binding, batch=False)
            yield replace(binding, batch=True)

    def items(self, events: Sequence[Event], binding: AnyBinding) -> list[Item]:
        """The items that the host would pack: neither rejected by the sink nor over its item limit."""
        limit = self.sink.limits(binding).max_item_bytes
        shapes = [self.sink.format(event, binding) for event in events]
        return [shape for shape in shapes if isinstance(shape, Item) and len(shape.body) <= limit]

    def requests(self, events: Sequence[Event], binding: AnyBinding) -> list[OutboundRequest]:
        """The requests that carry the events, filled as the host fills them."""
        limits = self.sink.limits(binding)
        return [self.sink.build_request(pack, binding) for pack in packs(self.items(events, binding), limits)]


def packs(items: Sequence[Item], limits: Limits) -> Iterator[list[Item]]:
    """The items in requests, filled as the host fills them."""
    pack: list[Item] = []
    size = limits.request_overhead
    for item in items:
        cost = len(item.body) + limits.item_overhead
        if pack and (len(pack) >= limits.max_events or size + cost > limits.max_bytes):
            yield pack
            pack, size = [], limits.request_overhead
        pack.append(item)
        size += cost
    if pack:
        yield pack


def plain_body(request: OutboundRequest) -> bytes:
    """The body before compression, which is what limits count."""
    return gunzip_body(request.body) if GZIP in request.headers else request.body


def shown_body(request: OutboundRequest) -> bytes:
    """The body before compression, as history shows it."""
    return plain_body(replace(request, body=request.shown_body))


def secret_values(binding: AnyBinding) -> list[str]:
    """The secrets of a webhook in the clear, its access token among them."""
    values = [getattr(binding.secrets, name) for name in type(binding.secrets).model_fields]
    found = [value.get_secret_value() for value in (*values, binding.access_token) if isinstance(value, SecretStr)]
    return [secret for secret in found if secret]
