"""From claimed deliveries to requests: format each event, pack the items by the sink's limits, build and sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.core.clock import Micros
from app.core.ids import base36
from app.delivery.runtime import WebhookRuntime, timestamp_of
from app.sinks.types import Event, Item, OutboundRequest, Reject
from app.store.claim import Claimed


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one request carries: the deliveries, their items in the same order, and the id of the message."""

    message_id: str
    members: tuple[Claimed, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A delivery that cannot be sent. ``broken`` = the plugin raised, so the event itself may be well."""

    member: Claimed
    reason: str
    broken: bool


def format_member(runtime: WebhookRuntime, member: Claimed) -> Item | Refused:
    """One delivery in the receiver's form."""
    try:
        item = runtime.sink.format(Event(member.event_id, member.event_type, member.body), runtime.binding)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; only this delivery suffers
        return Refused(member, f"sink {runtime.sink.info.name} failed to format: {type(error).__name__}", broken=True)
    if isinstance(item, Reject):
        return Refused(member, item.reason, broken=False)
    if len(item.body) > runtime.limits.max_item_bytes:
        limit = runtime.limits.max_item_bytes
        return Refused(member, f"the event is larger than this sink takes ({limit} bytes)", broken=False)
    return item


def pack(
    runtime: WebhookRuntime, batch_id: str, formatted: Sequence[tuple[Claimed, Item]], *, max_bytes: int
) -> Iterator[Parcel]:
    """Split the formatted members of a batch into requests that keep the sink's limits.

    Membership is fixed, so every retry makes the same parcels of the same events; a batch that needs one request is
    known by its own id; the further requests of a larger one add the number of their first event.
    """
    limits = runtime.limits
    size_limit = min(limits.max_bytes, max_bytes)
    groups: list[list[tuple[Claimed, Item]]] = [[]]
    size = 0
    for pair in formatted:
        added = len(pair[1].body) + limits.item_overhead
        if groups[-1] and (len(groups[-1]) >= limits.max_events or size + added > size_limit):
            groups.append([])
            size = 0
        groups[-1].append(pair)
        size += added
    for group in groups:
        if group:
            is_first = group is groups[0]
            name = batch_id if is_first else f"{batch_id}-{base36(group[0][0].event_seq)}"
            yield Parcel(name, tuple(pair[0] for pair in group), tuple(pair[1] for pair in group))


def halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    """Two smaller parcels of the same deliveries, after the receiver said the request was too large."""
    middle = len(parcel.items) // 2
    first, second = slice(None, middle), slice(middle, None)
    return (
        Parcel(f"{parcel.message_id}a", parcel.members[first], parcel.items[first]),
        Parcel(f"{parcel.message_id}b", parcel.members[second], parcel.items[second]),
    )


def signed_headers(
    runtime: WebhookRuntime, request: OutboundRequest, message_id: str, now: Micros
) -> tuple[tuple[tuple[str, str], ...], str]:
    """All headers of the request (the sink's, the user's, Standard Webhooks' fresh ones), and the signature alone."""
    timestamp = timestamp_of(now)
    signature = runtime.signer.sign(message_id, timestamp, request.body)
    headers = (
        *request.headers,
        *runtime.headers,
        ("webhook-id", message_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signature),
    )
    return headers, signature
