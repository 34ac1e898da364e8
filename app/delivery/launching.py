"""Launching: claimed deliveries become requests on the wire, fairly between webhooks."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from app.core.clock import Clock, Micros
from app.core.ids import delivery_id
from app.core.shown_url import MASK, shown_url
from app.core.states import AttemptOutcome, DeliveryState
from app.delivery.access import TokenDesk
from app.delivery.contents import ContentLedger
from app.delivery.echoes import credentials_of
from app.delivery.egress import EgressClient
from app.delivery.landing import Landing
from app.delivery.lanes import Flight, Lane, Load, RequestHead
from app.delivery.packing import Parcel, Refused, format_member, outgoing, signed_headers
from app.delivery.plugin_border import PluginFault, PluginFaultError, build_request
from app.delivery.runtime import WebhookRuntime
from app.delivery.verdict import Ruling
from app.sinks.types import OutboundRequest, Outcome, Verdict

RESERVED_SHARE = 4
"""One slot in so many is kept for receivers that are known to work, however many others have to be tried."""


class Launching:
    """Starts requests.

    Args:
        client: the road out.
        tokens: says which webhooks have the access token they need.
        contents: where exact bytes get their digests.
        landing: told of deliveries that are ruled on without a request.
        clock: current time.
    """

    def __init__(
        self, client: EgressClient, tokens: TokenDesk, contents: ContentLedger, landing: Landing, clock: Clock
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._reserved = client.capacity // RESERVED_SHARE
        self._contents = contents
        self._landing = landing
        self._clock = clock
        self._first = 0

    def launch(self, lanes: Sequence[Lane]) -> None:
        """Start requests while slots are free, taking turns; the next time another lane begins.

        After a sink has held everybody up, leases are renewed first.
        """
        now = self._clock()
        self._first += 1
        cut = self._first % len(lanes) if lanes else 0
        waiting = [*lanes[cut:], *lanes[:cut]]
        while free := self._client.capacity:
            waiting = self._ready(waiting, free, now)
            if not waiting:
                break
            for lane in waiting[:free]:
                if self._landing.harm.is_done:
                    return
                if self._has_room(lane):
                    self._start(lane, lane.next())

    def _ready(self, lanes: Sequence[Lane], free: int, now: Micros) -> list[Lane]:
        """The lanes that may start a request; those that never had success only while the reserve stays free."""
        to_try = free - self._reserved
        ready = []
        for lane in lanes:
            may_start = (lane.proven or to_try > 0) and self._has_room(lane) and lane.may_start(now)
            if may_start and self._tokens.admits(lane, now):
                ready.append(lane)
                to_try -= not lane.proven
        return ready

    def _has_room(self, lane: Lane) -> bool:
        """Whether its receiver, which other webhooks may share, has less than it may get at once."""
        return self._client.has_room(lane.runtime.binding.endpoint_url)

    def _start(self, lane: Lane, load: Load) -> None:
        runtime = lane.runtime
        now = self._clock()
        parcel = load.parcel
        if parcel is None:
            member = load.members[0]
            item = format_member(runtime, member)
            if isinstance(item, Refused):
                self._landing.refuse(lane, load, member, refusal(item), now)
                self._landing.note_fault(lane, item.fault, now)
                return
            parcel = Parcel(delivery_id(runtime.id, member.event_seq), load.members, (item,))
        binding = self._tokens.binding(runtime, now)
        try:
            request = build_request(runtime.sink, parcel.items, binding)
        except PluginFaultError as error:
            self._set_aside(lane, load, parcel, error.fault, now)
            return
        same_bytes = load.batch is None and request.body is parcel.members[0].body
        body_digest = None if same_bytes else self._contents.digest(request.shown_body, now)
        headers, signature = signed_headers(runtime, request, parcel.message_id, now)
        head = _head(lane, request)
        head_digest = self._contents.digest(head.redacted, now)
        flight = Flight(
            lane,
            load,
            parcel,
            now,
            signature,
            head_digest,
            body_digest,
            head.credentials,
            binding.access_token,
            lane.health.is_probing,
        )
        lane.spend(load)
        self._client.start(outgoing(flight, request, headers))

    def _set_aside(self, lane: Lane, load: Load, parcel: Parcel, fault: PluginFault, now: Micros) -> None:
        """No request could be built: a batch is looked through for the event at fault, unless that would do harm."""
        self._landing.note_fault(lane, fault, now)
        rejected = Outcome(Verdict.REJECT, fault.reason)
        if not fault.harmful and self._landing.halved(lane, load, parcel, rejected):
            return
        for member in parcel.members:
            self._landing.refuse(lane, load, member, refusal(Refused(member, fault.reason, fault)), now)
        self._landing.close_parcel(lane, load)


def _head(lane: Lane, request: OutboundRequest) -> RequestHead:
    """The head of a request, worked out once for all requests that share it."""
    varying = (request.method, request.url, request.headers)
    head = lane.heads.get(varying)
    if head is None:
        redacted = redacted_head(lane.runtime, request)
        head = lane.heads[varying] = RequestHead(redacted, credentials_of(lane.runtime, request))
    return head


def refusal(refused: Refused) -> Ruling:
    """The ruling on a delivery that cannot be sent: the event's own fault, or the plugin's."""
    if refused.fault is not None:
        return Ruling(DeliveryState.PARKED, AttemptOutcome.OUR_FAULT, None, "plugin_failed", refused.reason, 1)
    return Ruling(DeliveryState.FAILED, AttemptOutcome.REJECTED, None, "rejected", refused.reason)


def redacted_head(runtime: WebhookRuntime, request: OutboundRequest) -> bytes:
    """Method, URL and headers as history keeps them: the user's and the sink's secret values masked."""
    headers = [[name, MASK if name.lower() in request.secret_headers else value] for name, value in request.headers]
    headers += [[name, MASK] for name, _ in runtime.headers]
    url = runtime.endpoint_shown
    if request.url != runtime.binding.endpoint_url:
        url = shown_url(request.url, secret_path=runtime.sink.info.secret_url)
    return orjson.dumps({"method": request.method, "url": url, "headers": headers})
