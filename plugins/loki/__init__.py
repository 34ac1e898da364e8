"""Grafana Loki: lines by the push API."""

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
    Reject,
    Sink,
    SinkInfo,
    address,
    basic,
    bearer,
    beside,
    describe_settings,
    gzip_body,
    hookimpl,
)
from plugins.loki.answers import classify_push
from plugins.loki.settings import LokiBinding, LokiConfig, LokiSecrets
from plugins.loki.streams import nanoseconds, push, stream

__all__ = ["LokiConfig", "LokiSecrets", "LokiSink", "relaypoint_sinks"]

PUSH_PATH = "/loki/api/v1/push"
_LABELS_PATH = "/loki/api/v1/labels"
MAX_EVENTS = 1000
MAX_BYTES = 4_000_000
_EMPTY = len(push([]))


class LokiSink:
    """One line per event, with structured metadata."""

    info = SinkInfo(
        name="loki",
        title="Grafana Loki",
        description="Log lines with few labels and structured metadata.",
        docs_url="https://grafana.com/docs/loki/latest/reference/loki-http-api/",
        idempotency="time and text of the line (Loki drops an equal one); event_id in its metadata",
        sample_url="https://loki.example:3100",
    )
    config_model: type[BaseModel] = LokiConfig
    secrets_model: type[BaseModel] = LokiSecrets

    def limits(self, binding: LokiBinding) -> Limits:  # noqa: ARG002 - the protocol's signature
        """A thousand lines in 4 MB, counted before compression; ``format`` looks at the length of a line."""
        return Limits(MAX_EVENTS, MAX_BYTES, MAX_BYTES - _EMPTY - 1, item_overhead=1, request_overhead=_EMPTY)

    def format(self, event: Event, binding: LokiBinding) -> Item | Reject:
        """One stream with one line."""
        config = binding.config
        if len(event.json) > config.max_line_bytes:
            return Reject(event.id, f"the event is longer than a line may be ({config.max_line_bytes} bytes)")
        time = nanoseconds(event.data, config.timestamp)
        if time is None:
            return Reject(event.id, "the event has no time that Loki could take")
        return Item(event.id, stream(event, config, time))

    def build_request(self, items: Sequence[Item], binding: LokiBinding) -> OutboundRequest:
        """All lines, grouped by stream."""
        body = push([item.body for item in items])
        headers = [("content-type", "application/json"), *_who(binding)]
        if binding.config.gzip:
            headers.append(GZIP)
            body = gzip_body(body)
        return OutboundRequest(address(binding.endpoint_url, PUSH_PATH), body, tuple(headers), secret_headers=_SECRET)

    def classify(self, answer: Answer, items: Sequence[Item], binding: LokiBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """204 is success and nothing else is."""
        return classify_push(answer, items)

    def probe(self, binding: LokiBinding) -> OutboundRequest | None:
        """The list of labels; None when the endpoint's path is a proxy's own."""
        url = beside(address(binding.endpoint_url, PUSH_PATH), PUSH_PATH, _LABELS_PATH)
        return OutboundRequest(url, b"", tuple(_who(binding)), "GET", _SECRET) if url else None

    def describe(self, binding: LokiBinding) -> dict[str, Any]:
        """The settings for people; secrets only as set or not."""
        return describe_settings(binding)


_SECRET = frozenset({"authorization"})


def _who(binding: LokiBinding) -> list[tuple[str, str]]:
    config, secrets = binding.config, binding.secrets
    headers = [("x-scope-orgid", config.tenant)] if config.tenant else []
    if secrets.basic_password is not None:
        headers.append(basic(config.basic_user, secrets.basic_password))
    elif secrets.bearer_token is not None:
        headers.append(bearer(secrets.bearer_token))
    return headers


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Grafana Loki."""
    yield LokiSink()
