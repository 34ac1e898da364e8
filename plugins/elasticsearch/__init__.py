"""Elasticsearch and OpenSearch: documents by the ``_bulk`` API, each created once."""

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
    basic,
    describe_settings,
    gzip_body,
    hookimpl,
)
from plugins.elasticsearch.answers import classify_bulk
from plugins.elasticsearch.document import action_line, document
from plugins.elasticsearch.settings import ElasticsearchBinding, ElasticsearchConfig, ElasticsearchSecrets

__all__ = ["ElasticsearchConfig", "ElasticsearchSecrets", "ElasticsearchSink", "relaypoint_sinks"]

_ANSWER = "errors,items.*.status,items.*.error.type"
"""All of the answer that is read, so that a thousand results stay well below what the host keeps of a body."""
_SECRET = frozenset({"authorization"})


class ElasticsearchSink:
    """Creates one document per event, under the event's own id."""

    info = SinkInfo(
        name="elasticsearch",
        title="Elasticsearch / OpenSearch",
        description="Documents in an index or data stream, through the bulk API.",
        docs_url="https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk",
        idempotency="_id of the document",
        sample_url="https://search.example:9200",
    )
    config_model: type[BaseModel] = ElasticsearchConfig
    secrets_model: type[BaseModel] = ElasticsearchSecrets

    def limits(self, binding: ElasticsearchBinding) -> Limits:
        """As configured, counted before compression."""
        config = binding.config
        return Limits(config.max_events, config.max_bytes, config.max_bytes, item_overhead=0)

    def format(self, event: Event, binding: ElasticsearchBinding) -> Item:  # noqa: ARG002 - the protocol's signature
        """The action line and the document's line."""
        return Item(event.id, action_line(event.id) + b"\n" + document(event) + b"\n")

    def build_request(self, items: Sequence[Item], binding: ElasticsearchBinding) -> OutboundRequest:
        """All lines one after another; the last one is ended too, as the bulk API demands."""
        config = binding.config
        body = b"".join([item.body for item in items])
        headers = [("content-type", "application/x-ndjson"), *_authorization(binding)]
        if config.gzip:
            headers.append(GZIP)
            body = gzip_body(body)
        asked = {"filter_path": _ANSWER} | ({"pipeline": config.pipeline} if config.pipeline else {})
        url = address(binding.endpoint_url, f"/{config.index}/_bulk", asked)
        return OutboundRequest(url, body, tuple(headers), secret_headers=_SECRET)

    def classify(self, answer: Answer, items: Sequence[Item], binding: ElasticsearchBinding) -> Outcome:  # noqa: ARG002 - the protocol's signature
        """By each document's own result."""
        return classify_bulk(answer, items)

    def probe(self, binding: ElasticsearchBinding) -> OutboundRequest:
        """A search for nothing in the index: tells a wrong address, wrong credentials and a missing index apart."""
        url = address(binding.endpoint_url, f"/{binding.config.index}/_search", {"size": "0", "terminate_after": "1"})
        return OutboundRequest(url, b"", tuple(_authorization(binding)), "GET", _SECRET)

    def describe(self, binding: ElasticsearchBinding) -> dict[str, Any]:
        """The settings for people; secrets only as set or not."""
        return describe_settings(binding)


def _authorization(binding: ElasticsearchBinding) -> list[tuple[str, str]]:
    secrets = binding.secrets
    if secrets.api_key is not None:
        return [("authorization", f"ApiKey {secrets.api_key.get_secret_value()}")]
    if secrets.basic_password is not None:
        return [basic(binding.config.basic_user, secrets.basic_password)]
    return []


@hookimpl
def relaypoint_sinks() -> Iterable[Sink]:
    """Elasticsearch and OpenSearch."""
    yield ElasticsearchSink()
