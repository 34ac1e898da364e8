"""OTLP over HTTP: log records for the OpenTelemetry Collector and everything that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from app.sinks import (
    GZIP,
    Answer,
    Event,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Sink,
    SinkInfo,
    address,
    bearer,
    describe_settings,
    gzip_body,
    hookimpl,
)
from plugins.otlp.answers import classify_export
from plugins.otlp.jsonform import export_request_json, record_json
from plugins.otlp.protobuf import export_request, record_field, request_overhead
from plugins.otlp.record import log_record
from plugins.otlp.settings import Encoding, OtlpBinding, OtlpConfig, OtlpSecrets

__all__ = ["OtlpConfig", "OtlpSecrets", "OtlpSink", "relaypoint_sinks"]

LOGS_PATH = "/v1/logs"
SCOPE = "relaypoint"
_CONTENT_TYPES = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}


class OtlpSink:
    """One log record per event."""

    info = SinkInfo(
        name="otlp",
        title="OpenTelemetry (OTLP)",
        description="Log records over HTTP, as protobuf or JSON.",
        docs_url="https://opentelemetry.io/docs/specs/otlp/",
        sample_url="https://collector.example:4318",
    )
    config_model: type[BaseModel] = OtlpConfig
    secrets_model: type[BaseModel] = OtlpSecrets

    def limits(self, binding: OtlpBinding) -> Limits:
        """As configured, less what one resource and one scope take."""
        config = binding.config
        if _is_json(binding):
            frame = len(export_request_json([], config.service_name, SCOPE))
        else:
            frame = request_overhead(config.service_name, SCOPE)
        room = config.max_bytes - frame - 1
        return Limits(config.max_events, config.max_bytes, room, item_overhead=1, request_overhead=frame)

    def format(self, event: Event, binding: OtlpBinding) -> Item:
        """One log record."""
        record = log_record(event, binding.config.body)
        return Item(event.id, record_json(record) if _is_json(binding) else record_field(record))

    def build_request(self, items: Sequence[Item], binding: OtlpBinding) -> OutboundRequest:
        """All records under one resource and one scope."""
        config = binding.config
        frame = export_request_json if _is_json(binding) else export_request
        body = frame([item.body for item in items], config.service_name, SCOPE)
        headers = [("content-type", _CONTENT_TYPES[config.encoding])]
        token = binding.secrets.bearer_token
        if token is not None:
            headers.append(bearer(token))
        if config.gzip:
            headers.append(GZIP)
            body = gzip_body(body)
        url = address(binding.endpoint_url, LOGS_PATH)
        return OutboundRequest(url, body, tuple(headers), secret_headers=frozenset({"authorization"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: OtlpBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By status, and by the partial success that a 2xx may hold."""
        return classify_export(answer, items)

    def probe(self, binding: OtlpBinding) -> OutboundRequest:
        """A request without records, which every receiver takes."""
        return self.build_request([], binding)

    def describe(self, binding: OtlpBinding) -> dict[str, Any]:
        """The settings for people; the token only as set or not."""
        return describe_settings(binding)


def _is_json(binding: OtlpBinding) -> bool:
    return binding.config.encoding is Encoding.JSON


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """OTLP over HTTP."""
    yield OtlpSink()
