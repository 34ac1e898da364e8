"""A sink that keeps every promise; the faulty ones each break one of them."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.sinks import (
    Answer,
    AnyBinding,
    Event,
    HeaderSecret,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Settings,
    SinkInfo,
    Verdict,
    classify_by_status,
    describe_settings,
    text,
    too_large,
)

KEY = "s3cret-key-of-the-example"


class Config(Settings):
    model_config = ConfigDict(json_schema_extra={"examples": [{"room": "hall"}, {"size": 9}]})

    room: Annotated[str, Field(max_length=20), Hint(title="Room")] = "attic"
    size: Annotated[int, Field(ge=1, le=50), Hint(title="Size")] = 5


class Secrets(Settings):
    model_config = ConfigDict(json_schema_extra={"examples": [{"key": KEY}]})

    key: Annotated[HeaderSecret, Hint(title="Key", widget="password")]


class Sound:
    """A sink that keeps every promise. Each faulty one below breaks one of them."""

    info = SinkInfo(name="sound", title="Sound", description="A good one.", idempotency="id of each element")
    config_model: type[BaseModel] = Config
    secrets_model: type[BaseModel] = Secrets

    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(binding.config.size, 300_000, 200_000, item_overhead=1, request_overhead=2)

    def format(self, event: Event, binding: AnyBinding) -> Item:
        told = {"id": event.id, "text": text(event.data.get("description"))}
        return Item(event.id, orjson.dumps(told))

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        headers = (("content-type", "application/json"), ("x-key", binding.secrets.key.get_secret_value()))
        body = b"[" + b",".join(item.body for item in items) + b"]"
        return OutboundRequest(binding.endpoint_url, body, headers, secret_headers=frozenset({"x-key"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        outcome = classify_by_status(answer)
        return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome

    def probe(self, binding: AnyBinding) -> OutboundRequest | None:
        return None

    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return describe_settings(binding)


def with_request(request: OutboundRequest, **changed: Any) -> OutboundRequest:
    return replace(request, **changed)
