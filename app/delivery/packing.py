"""From claimed deliveries to requests: format each event, pack the items by the sink's limits, build and sign."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.core.clock import Micros
from app.core.endpoint_url import is_syslog
from app.delivery.exchange import Outgoing
from app.delivery.plugin_border import PluginFault, PluginFaultError, format_event
from app.delivery.runtime import WebhookRuntime, timestamp_of
from app.sinks.types import Event, Item, OutboundRequest, Reject
from app.store.claim import Claimed

REQUEST_BYTES = 8 * 1024 * 1024
"""Largest request of a batch; a sink or a webhook may want smaller ones."""
_PART = "-"
"""Stands between a batch's id, which never holds it, and what tells its parts apart."""


class Parcel(NamedTuple):
    """What one request carries: the deliveries, their items in the same order, and the id of the message."""

    message_id: str
    members: tuple[Claimed, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A delivery that cannot be sent. ``fault`` = the plugin failed, so the event itself may be well."""

    member: Claimed
    reason: str
    fault: PluginFault | None = None


def format_member(runtime: WebhookRuntime, member: Claimed) -> Item | Refused:
    """One delivery in the receiver's form."""
    try:
        item = format_event(runtime.sink, Event(member.event_id, member.event_type, member.body), runtime.binding)
    except PluginFaultError as error:
        return Refused(member, error.fault.reason, error.fault)
    if isinstance(item, Reject):
        return Refused(member, item.reason)
    if len(item.body) > runtime.limits.max_item_bytes:
        limit = runtime.limits.max_item_bytes
        return Refused(member, f"the event is larger than this sink takes ({limit} bytes)")
    return item


def pack(
    runtime: WebhookRuntime,
    batch_id: str,
    formatted: Sequence[tuple[Claimed, Item]],
    *,
    event_count: int,
    max_bytes: int,
) -> Iterator[Parcel]:
    """Split the formatted members of a batch into requests that keep the sink's limits.

    ``event_count`` is how many events the batch was closed with: a request that carries them all is known by the
    batch's own id, any other by an id of its members. So a retry of the same events is the same message, and no id
    ever carries other events, which a receiver that drops repeated ids would never see.
    """
    limits = runtime.limits
    size_limit = min(limits.max_bytes, max_bytes, REQUEST_BYTES)
    groups: list[list[tuple[Claimed, Item]]] = [[]]
    size = limits.request_overhead
    for pair in formatted:
        added = len(pair[1].body) + limits.item_overhead
        if groups[-1] and (len(groups[-1]) >= limits.max_events or size + added > size_limit):
            groups.append([])
            size = limits.request_overhead
        groups[-1].append(pair)
        size += added
    for group in groups:
        if group:
            members = tuple(pair[0] for pair in group)
            name = batch_id if len(members) == event_count else _part_id(batch_id, members)
            yield Parcel(name, members, tuple(pair[1] for pair in group))


def halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    """Two smaller parcels of the same deliveries, after the receiver said the request was too large."""
    middle = len(parcel.items) // 2
    batch_id = parcel.message_id.partition(_PART)[0]
    first, second = (
        Parcel(_part_id(batch_id, parcel.members[half]), parcel.members[half], parcel.items[half])
        for half in (slice(None, middle), slice(middle, None))
    )
    return first, second


def _part_id(batch_id: str, members: Sequence[Claimed]) -> str:
    """The message id of a part of a batch; it depends on nothing but its members."""
    numbers = ",".join(str(member.event_seq) for member in members)
    return f"{batch_id}{_PART}{hashlib.blake2b(numbers.encode(), digest_size=6).hexdigest()}"


def signed_headers(
    runtime: WebhookRuntime, request: OutboundRequest, message_id: str, now: Micros
) -> tuple[tuple[tuple[str, str], ...], str]:
    """All headers of the request (the sink's, the user's, Standard Webhooks' fresh ones), and the signature alone.

    Syslog has no place for any of them.
    """
    if is_syslog(request.url):
        return (), ""
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


def outgoing(key: Any, request: OutboundRequest, headers: tuple[tuple[str, str], ...]) -> Outgoing:
    """The sink's request as the egress client takes it, under the caller's own ``key`` and with these headers."""
    return Outgoing(
        key, request.method, request.url, headers, request.body, client_certificate=request.client_certificate
    )
