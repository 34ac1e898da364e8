"""Splunk HTTP Event Collector: events for Splunk Enterprise and Splunk Cloud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from app.sinks import (
    Answer,
    Confirmation,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Receipt,
    Sink,
    SinkInfo,
    describe_settings,
    hookimpl,
)
from plugins.splunk_hec.acknowledgement import read_acks, receipt_of, waiting
from plugins.splunk_hec.answers import classify_answer
from plugins.splunk_hec.envelope import envelope
from plugins.splunk_hec.requests import (
    ack_request,
    can_be_asked,
    channel_of,
    event_request,
    health_request,
    metadata,
)
from plugins.splunk_hec.settings import Endpoint, SplunkBinding, SplunkConfig, SplunkSecrets

__all__ = ["SplunkBinding", "SplunkConfig", "SplunkHecSink", "SplunkSecrets", "relaypoint_sinks"]


class SplunkHecSink:
    """JSON objects one after another to the collector's ``event`` or ``raw`` endpoint."""

    info = SinkInfo(
        name="splunk_hec",
        title="Splunk HEC",
        description="Splunk HTTP Event Collector, with fields of the CIM Change data model.",
        docs_url="https://docs.splunk.com/Documentation/Splunk/latest/Data/UsetheHTTPEventCollector",
        sample_url="https://splunk.example:8088",
    )
    config_model: type[BaseModel] = SplunkConfig
    secrets_model: type[BaseModel] = SplunkSecrets

    def check_settings(self, config: SplunkConfig, secrets: SplunkSecrets) -> None:  # noqa: ARG002 - the protocol's signature
        """Nothing expires before it is asked about."""
        if config.ack_wait_s < config.ack_poll_s:
            raise ValueError("ack_wait_s must be at least ack_poll_s")

    def limits(self, binding: SplunkBinding) -> Limits:
        """As configured, counted before compression; a newline stands between two events."""
        config = binding.config
        return Limits(config.max_events, config.max_bytes, config.max_bytes - 1, item_overhead=1)

    def format(self, event: Event, binding: SplunkBinding) -> Item:
        """One HEC envelope, or for the raw endpoint the stored event itself."""
        if binding.config.endpoint is Endpoint.RAW:
            return Item(event.id, event.json)
        return Item(event.id, envelope(event, metadata(binding), cim=binding.config.cim_fields))

    def build_request(self, items: Sequence[Item], binding: SplunkBinding) -> OutboundRequest:
        """All the events in one request."""
        return event_request(items, binding)

    def classify(self, answer: Answer, items: Sequence[Item], binding: SplunkBinding) -> Outcome:
        """By the HEC code in the body, and by status only when there is none."""
        return classify_answer(answer, items, binding.config, asks=can_be_asked(binding))

    def confirmation(self, binding: SplunkBinding) -> Confirmation:
        """As configured; it matters only for tokens that have indexer acknowledgement on."""
        return waiting(binding.config)

    def receipt(self, answer: Answer, binding: SplunkBinding) -> Receipt | None:
        """The ``ackId`` of an answer, and the channel it belongs to."""
        return receipt_of(answer, channel_of(binding)) if can_be_asked(binding) else None

    def confirm_request(self, receipts: Sequence[Receipt], binding: SplunkBinding) -> OutboundRequest | None:
        """The question which requests are indexed."""
        return ack_request(receipts, binding) if can_be_asked(binding) else None

    def read_confirmation(
        self,
        answer: Answer,
        receipts: Sequence[Receipt],
        binding: SplunkBinding,  # noqa: ARG002 - the protocol's signature
    ) -> frozenset[str] | Outcome:
        """The requests that are indexed; all others wait on."""
        return read_acks(answer, receipts)

    def probe(self, binding: SplunkBinding) -> OutboundRequest | None:
        """The collector's health endpoint."""
        return health_request(binding)

    def describe(self, binding: SplunkBinding) -> dict[str, Any]:
        """The settings for people; the token only as set or not."""
        return describe_settings(binding)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """The Splunk HTTP Event Collector."""
    yield SplunkHecSink()
