"""Relaypoint sink: sends audit events to Pigeon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from pydantic import BaseModel

from app.sinks import (
    Answer,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Sink,
    SinkInfo,
    actor_name,
    address,
    describe_settings,
    hookimpl,
    text,
)

from .answers import classify_answer
from .settings import PigeonBinding, PigeonConfig, PigeonSecrets

__all__ = ["PigeonConfig", "PigeonSecrets", "PigeonSink", "relaypoint_sinks"]

EVENTS_PATH = "/v1/events"
MAX_EVENTS = 100
MAX_BYTES = 1_000_000
BRACKETS = 2


class PigeonSink:
    """A JSON array of events, with the key in a header."""

    info = SinkInfo(
        name="pigeon",
        title="Pigeon",
        description="Audit events as a JSON array.",
        docs_url="https://example.com/",
        idempotency="id of each element",
        sample_url="https://api.example.com",
    )
    config_model: type[BaseModel] = PigeonConfig
    secrets_model: type[BaseModel] = PigeonSecrets

    def limits(self, binding: PigeonBinding) -> Limits:
        """What one request may hold: a comma after each event, two brackets around them all."""
        return Limits(MAX_EVENTS, MAX_BYTES, MAX_BYTES - BRACKETS - 1, item_overhead=1, request_overhead=BRACKETS)

    def format(self, event: Event, binding: PigeonBinding) -> Item:
        """One event as the receiver wants it."""
        told = {
            "id": event.id,
            "source": binding.config.source,
            "urgency": binding.config.urgency,
            "title": text(event.data.get("description")) or event.type,
            "by": actor_name(event.data),
        }
        return Item(event.id, orjson.dumps(told)[:-1] + b',"event":' + event.json + b"}")

    def build_request(self, items: Sequence[Item], binding: PigeonBinding) -> OutboundRequest:
        """All the events in one request."""
        headers = (
            ("content-type", "application/json"),
            ("x-api-key", binding.secrets.api_key.get_secret_value()),
        )
        body = b"[" + b",".join([item.body for item in items]) + b"]"
        url = address(binding.endpoint_url, EVENTS_PATH)
        return OutboundRequest(url, body, headers, secret_headers=frozenset({"x-api-key"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: PigeonBinding) -> Outcome:
        """What an answer means for these events."""
        return classify_answer(answer, items)

    def probe(self, binding: PigeonBinding) -> OutboundRequest | None:
        """A harmless request that tells whether the receiver is well, or None."""
        return None

    def describe(self, binding: PigeonBinding) -> dict[str, Any]:
        """The settings for people, secrets only as set or not."""
        return describe_settings(binding)


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """The sink this package brings."""
    yield PigeonSink()
